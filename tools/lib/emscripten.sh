# Emscripten from Debian 13 (trixie), for a Debian whose own is too old. Its packages are unpacked under
# .cache/emscripten and never installed, since that would replace the system's libc. The compiler proper
# is the system's clang-19; only binaryen's programs need trixie's libc, and run on it through its loader.

ACORN=acorn@8.15.0
EMSCRIPTEN_DIR=$CACHE/emscripten

# The mirror this machine already uses for Debian, so that proxies and company mirrors keep working.
debian_mirror() {
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(SITE)' 'Created-By: Packages' |
    sed -n 's/^Debian|Debian|//p' | grep -v '^cdrom:' | head -n 1
}

unpack_trixie() {
  local work=$EMSCRIPTEN_DIR/download mirror package
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || { echo "no Debian mirror among this machine's package sources"; return 1; }
  rm -rf "$EMSCRIPTEN_DIR"
  mkdir -p "$work/lists/partial" "$EMSCRIPTEN_DIR/root"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/sources.list"
  cat >"$work/apt.conf" <<TEXT
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
APT::Sandbox::User "";
TEXT
  (
    export APT_CONFIG=$work/apt.conf
    cd "$work" && apt-get update && apt-get download emscripten binaryen libc6 libstdc++6 libgcc-s1
  ) || return 1
  for package in "$work"/*.deb; do
    # Left out: two thirds of the size, for link-time optimisation and dynamic linking, which are not used.
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$EMSCRIPTEN_DIR/root" --wildcards \
      --exclude='*/wasm32-emscripten/lto*' --exclude='*/wasm32-emscripten/pic' \
      --exclude='*/share/doc' --exclude='*/share/emscripten/test' || return 1
  done
  rm -rf "$work"
}

wrap_binaryen() {
  local root=$EMSCRIPTEN_DIR/root triplet loader program
  triplet=$(basename "$(dirname "$root"/usr/lib/*/libc.so.6)")
  loader=$(echo "$root"/usr/lib*/ld-linux-*.so.*)
  mkdir -p "$EMSCRIPTEN_DIR/binaryen/bin"
  for program in "$root"/usr/bin/wasm*; do
    write_wrapper "$EMSCRIPTEN_DIR/binaryen/bin/${program##*/}" "$loader" \
      --library-path "$root/usr/lib/$triplet" --argv0 "$program" "$program"
  done
}

configure_emscripten() { # replaces the package's configuration, which names system paths
  cat >"$EMSCRIPTEN_ROOT/.emscripten" <<TEXT
LLVM_ROOT = '/usr/lib/llvm-19/bin'
BINARYEN_ROOT = '$EMSCRIPTEN_DIR/binaryen'
NODE_JS = '$(command -v node)'
CACHE = '$EMSCRIPTEN_ROOT/cache'
FROZEN_CACHE = True
TEXT
}

try_emscripten() { # a toolchain put together by hand is worth one look before others rely on it
  local out=$EMSCRIPTEN_DIR/try
  mkdir -p "$out"
  echo 'int main(void) { return 42; }' >"$out/try.c"
  "$BIN/emcc" -O2 "$out/try.c" -o "$out/try.js" || return 1
  node "$out/try.js" || [ $? = 42 ]
}

setup_emscripten() { # sets EMSCRIPTEN_ROOT
  local tool
  EMSCRIPTEN_ROOT=$EMSCRIPTEN_DIR/root/usr/share/emscripten
  [ ! -e "$EMSCRIPTEN_DIR/complete" ] || return 0
  have apt-get && have dpkg-deb ||
    fail "no emcc 3.1.60 or later, and this machine has no apt-get to get Debian's with" \
      "Install the Emscripten SDK and put emcc on the PATH, or set EMSDK to its folder."
  step "Emscripten (Debian trixie's, unpacked in .cache/emscripten)" unpack_trixie
  wrap_binaryen
  configure_emscripten
  step "$ACORN, the JavaScript parser Emscripten uses" npm install --prefix "$EMSCRIPTEN_ROOT" \
    --cache "$CACHE/npm" --no-save --no-package-lock --no-audit --no-fund "$ACORN"
  for tool in emcc em++ emar emnm emranlib em-config; do
    write_wrapper "$BIN/$tool" "$EMSCRIPTEN_ROOT/$tool"
  done
  step "Emscripten builds a program that runs" try_emscripten
  touch "$EMSCRIPTEN_DIR/complete"
}
