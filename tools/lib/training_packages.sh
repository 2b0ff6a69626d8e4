# Sourced with ROOT set: makes $PYTHON one that has the packages of tools/training-requirements.txt.
# INKLING_TRAIN_PYTHON names one that has them already; else a virtual environment is made in .cache/training-venv, once
# for each change of the file. Where there is no graphics card, torch runs without CUDA's libraries
# (tools/lib/torch_on_cpu.py).

training_packages() {
  local packages=$ROOT/tools/training-requirements.txt
  local venv=$ROOT/.cache/training-venv
  PYTHON=${INKLING_TRAIN_PYTHON:-$venv/bin/python}
  [ -z "${INKLING_TRAIN_PYTHON:-}" ] || return 0
  mkdir -p "$ROOT/.cache"
  exec 9>"$ROOT/.cache/training-venv.lock"
  flock 9 # a second command waits, and then finds it done
  if ! cmp -s "$packages" "$venv/installed.txt"; then
    echo "getting the packages of ${packages#"$ROOT/"} into .cache/training-venv (540 MB)" >&2
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --no-cache-dir -r "$packages" >&2
    "$PYTHON" "$ROOT/tools/lib/torch_on_cpu.py" \
      "$("$PYTHON" -c 'import importlib.util as i; print(i.find_spec("torch").submodule_search_locations[0])')/lib"
    cp "$packages" "$venv/installed.txt"
  fi
  exec 9>&-
}
training_packages
