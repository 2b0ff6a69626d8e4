"""Shows Inkling at work: one prompt answered natively and under Wasmtime, then the app in a browser."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from serve import serve
from steps import ROOT, WEB, WEB_PRESETS, StepFailed, build, build_app, build_web_package, fetch_model, say

PROMPT = "Explain in two sentences why the sky is blue."
ANSWER = ["-p", PROMPT, "-n", "96", "--temp", "0"]
ANSWER_LIMIT_S = 600
LOG = ROOT / "build" / "demo.log"
APP = WEB / "dist" / "demo"
OFFLINE_APP = ROOT / "build" / "demo-offline"
OFFLINE_FOLDER = ROOT / "build" / "inkling-offline"
HOW_TO_SERVE = """\
  python3 -m http.server -b 127.0.0.1 8000      http://127.0.0.1:8000/
  npx serve                                     the address that it prints
  busybox httpd -f -p 127.0.0.1:8000            http://127.0.0.1:8000/
"""
README = """\
Inkling: a small language model inside a web page

This folder is all of it: the page, the engine and the model. It needs no network.

Serve the folder with any static file server, for example with one of these commands
in the folder, and open the address beside it in a recent Chrome, Edge, Firefox or
Safari:

""" + HOW_TO_SERVE + """
On a USB stick, put such a server's program beside the folder.

A double click on index.html is not enough. Browsers give a page that was opened as a
file (file://...) neither modules nor workers nor other files, and the engine is made
of these; that is a rule of theirs to protect what else lies on the disk.
"""


def show(title: str, command: list[str]) -> None:
    """Runs a command in the terminal, so that its text streams."""
    print(f"\n{title}\n$ {shlex.join(command)}", flush=True)
    status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=ANSWER_LIMIT_S).returncode
    print(flush=True)
    if status != 0:
        raise StepFailed(f"it ended with status {status}")


def page_models() -> dict[str, bool]:
    """The names of the models that the page offers, and whether they come with the repository."""
    models = json.loads((ROOT / "models" / "manifest.json").read_text())["models"]
    return {name: any(source["type"] == "bundled" for source in model["sources"])
            for name, model in models.items() if "page" in model}


def build_all(presets: list[str]) -> None:
    """Builds the presets and the app."""
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    for preset in presets:
        say(f"demo: building {preset}")
        build(preset, LOG)
    say("demo: building the app")
    build_web_package(LOG)


def write_folder(folder: Path, app: Path, models: list[Path]) -> None:
    """The app and its models in one folder, which any static server can serve under any address."""
    shutil.copytree(app, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.map"))
    (folder / "models").mkdir(exist_ok=True)
    for model in models:
        shutil.copy2(model, folder / "models" / model.name)
    (folder / "README.txt").write_text(README)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def put(folder: Path, names: list[str], app: Path) -> None:
    write_folder(folder, app, [fetch_model(name) for name in names])
    print(f"{folder}: {size_of(folder) / 1e6:.1f} MB with {', '.join(names)}. Serve it by any of these, in the folder:\n"
          + HOW_TO_SERVE, end="")


def write_offline(folder: Path) -> None:
    """The app over web/dist, which must have been built, with the models that come with the repository and no others."""
    names = [name for name, bundled in page_models().items() if bundled]
    if not names:
        raise StepFailed("models/manifest.json has no model that comes with the repository")
    build_app(LOG, OFFLINE_APP, names)
    put(folder, names, OFFLINE_APP)


def demo(port: int | None) -> None:
    model = fetch_model()
    build_all(["native", "wasi", *WEB_PRESETS])
    name = str(model.relative_to(ROOT))
    show("Natively:", ["build/native/inkling", "chat", "-m", name, *ANSWER])
    show("Under Wasmtime:", ["wasmtime", "run", "--dir", str(Path(name).parent), "build/wasi/inkling.wasm",
                             "chat", "-m", name, *ANSWER])
    if port is None:
        return
    models = {f"/models/{path.name}": path for path in map(fetch_model, page_models())}
    with serve({"/": APP, **models}, port) as server:
        print(f"In a browser: http://127.0.0.1:{server.server_port}/   (Ctrl+C stops)", flush=True)
        server.serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__)
    parser.add_argument("--no-serve", action="store_true", help="stop before serving the app")
    parser.add_argument("--port", type=int, default=8080, help="the app's port (default: %(default)s; 0: any)")
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="put the app with its models into FOLDER, for any static host, and do nothing else")
    parser.add_argument("--offline", action="store_true",
                        help="the same with nothing but the models that come with the repository, to be carried where "
                             f"there is no network (default FOLDER: {OFFLINE_FOLDER.relative_to(ROOT)})")
    arguments = parser.parse_args()
    try:
        if arguments.offline:
            build_all(WEB_PRESETS)
            write_offline(arguments.out or OFFLINE_FOLDER)
        elif arguments.out:
            build_all(WEB_PRESETS)
            put(arguments.out, list(page_models()), APP)
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
