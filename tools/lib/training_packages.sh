# Sourced with ROOT set: makes $PYTHON one that has the packages of the requirements files named in TRAINING_PACKAGES
# (default: tools/training-requirements.txt). INKLING_TRAIN_PYTHON names one that has them already;
# else a virtual environment is made in .cache/training-venv, once for each change of
# the files. Where there is no graphics card, torch runs without CUDA's libraries (tools/lib/torch_on_cpu.py).

training_packages() {
  local files=(${TRAINING_PACKAGES:-"$ROOT/tools/training-requirements.txt"})
  local venv=$ROOT/.cache/training-venv
  PYTHON=${INKLING_TRAIN_PYTHON:-$venv/bin/python}
  [ -z "${INKLING_TRAIN_PYTHON:-}" ] || return 0
  mkdir -p "$ROOT/.cache"
  exec 9>"$ROOT/.cache/training-venv.lock"
  flock 9 # a second command waits, and then finds it done
  if ! cmp -s <(cat "${files[@]}") "$venv/installed.txt"; then
    echo "getting the packages of ${files[*]#"$ROOT/"} into .cache/training-venv (540 MB)" >&2
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    local file requirements=()
    for file in "${files[@]}"; do requirements+=(-r "$file"); done
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --no-cache-dir "${requirements[@]}" >&2
    "$PYTHON" "$ROOT/tools/lib/torch_on_cpu.py" \
      "$("$PYTHON" -c 'import importlib.util as i; print(i.find_spec("torch").submodule_search_locations[0])')/lib"
    cat "${files[@]}" >"$venv/installed.txt"
  fi
  exec 9>&-
}
training_packages
