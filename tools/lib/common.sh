# Helpers that tools/setup and its parts share. Expects LOG, a file that takes the commands' output.

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

fail() { # fail WHAT REMEDY
  say "$1"
  printf '       %s\n' "$2" >&2
  exit 1
}

step() { # step TITLE COMMAND...: runs it quietly, shows how long it took and, if it fails, its last lines
  local title=$1 start=$SECONDS
  shift
  say "$title"
  printf '\n== %s\n' "$title" >>"$LOG"
  "$@" >>"$LOG" 2>&1 || {
    tail -n 15 "$LOG" >&2
    fail "could not get: $title" \
      "The last lines of its output stand above (all of it: $LOG). If the network failed, run tools/setup again:
       what is done stays done. tools/setup --help names the tools of your own that it takes instead."
  }
  [ $((SECONDS - start)) -lt 2 ] || say "  done in $((SECONDS - start)) s"
}

write_wrapper() { # write_wrapper FILE COMMAND...: an executable FILE that runs COMMAND with its own arguments
  local file=$1
  shift
  {
    echo '#!/bin/sh'
    printf 'exec'
    printf ' "%s"' "$@"
    echo ' "$@"'
  } >"$file"
  chmod +x "$file"
}
