# Sourced by the commands that are written in Python, since a fresh machine has none: sets up, puts the
# tools on the PATH and runs tools/lib/$PROGRAM with the command's arguments.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case " $* " in
  *" -h "* | *" --help "*) # no reason to install anything, if it can be helped
    if command -v python3 >/dev/null; then exec python3 "$ROOT/tools/lib/$PROGRAM" "$@"; fi
    ;;
esac
"$ROOT/tools/setup" || { [ -z "${SETUP_FAILED:-}" ] || echo "$SETUP_FAILED"; exit 1; }
. "$ROOT/.cache/env.sh"
exec python3 "$ROOT/tools/lib/$PROGRAM" "$@"
