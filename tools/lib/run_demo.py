"""Shows Inkling at work: one prompt answered natively and under Wasmtime, then the app in a browser."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from serve import serve
from steps import ROOT, WEB, WEB_PRESETS, StepFailed, build, build_web_package, fetch_model, say

PROMPT = "Explain in two sentences why the sky is blue."
ANSWER = ["-p", PROMPT, "-n", "96", "--temp", "0"]
ANSWER_LIMIT_S = 600
LOG = ROOT / "build" / "demo.log"
APP = WEB / "dist" / "demo"


def show(title: str, command: list[str]) -> None:
    """Runs a command in the terminal, so that its text streams."""
    print(f"\n{title}\n$ {shlex.join(command)}", flush=True)
    status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=ANSWER_LIMIT_S).returncode
    print(flush=True)
    if status != 0:
        raise StepFailed(f"it ended with status {status}")


def build_all(presets: list[str]) -> Path:
    """Builds the presets and the app; the default model's path."""
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    model = fetch_model()
    for preset in presets:
        say(f"demo: building {preset}")
        build(preset, LOG)
    say("demo: building the app")
    build_web_package(LOG)
    return model


def write_folder(folder: Path, app: Path, model: Path) -> None:
    """The app and its default model in one folder, which any static server can serve under any address."""
    shutil.copytree(app, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.map"))
    (folder / "models").mkdir(exist_ok=True)
    shutil.copy2(model, folder / "models" / model.name)


def demo(port: int | None) -> None:
    model = build_all(["native", "wasi", *WEB_PRESETS])
    name = str(model.relative_to(ROOT))
    show("Natively:", ["build/native/inkling", "chat", "-m", name, *ANSWER])
    show("Under Wasmtime:", ["wasmtime", "run", "--dir", str(Path(name).parent), "build/wasi/inkling.wasm",
                             "chat", "-m", name, *ANSWER])
    if port is None:
        return
    with serve({"/": APP, "/models/": model.parent}, port) as server:
        print(f"In a browser: http://127.0.0.1:{server.server_port}/   (Ctrl+C stops)", flush=True)
        server.serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__)
    parser.add_argument("--no-serve", action="store_true", help="stop before serving the app")
    parser.add_argument("--port", type=int, default=8080, help="the app's port (default: %(default)s; 0: any)")
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="put the app with its model into FOLDER, for any static host, and do nothing else")
    arguments = parser.parse_args()
    try:
        if arguments.out:
            write_folder(arguments.out, APP, build_all(WEB_PRESETS))
            print(f"Serve {arguments.out} with any static server.")
        else:
            demo(None if arguments.no_serve else arguments.port)
    except (StepFailed, OSError, subprocess.TimeoutExpired) as error:
        say(f"demo: {error}")
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
