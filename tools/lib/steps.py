"""Steps that tools/test and tools/demo share: run a command quietly, build a preset, get a model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WEB = ROOT / "web"
# The npm package's modules, as in web/scripts/build.mjs.
WEB_PRESETS = ["web-simd128", "web-simd128-threads", "web-relaxed", "web-relaxed-threads"]
BUILD_LIMIT_S = 1800
DOWNLOAD_LIMIT_S = 3600


class StepFailed(Exception):
    """A step did not succeed; the message ends with the command's last output."""


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def run_logged(command: list[str], log: Path, limit_s: float, cwd: Path = ROOT,
               env: dict[str, str] | None = None) -> int:
    """The exit status of `command`, its output appended to `log`; past the limit, all its processes are killed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            out.write(f"\nstopped after {limit_s:.0f} s\n".encode())
            return 124
        finally:  # whatever it left running goes too
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def tail(log: Path, lines: int = 40) -> str:
    return "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-lines:])


def must_run(what: str, command: list[str], log: Path, limit_s: float, cwd: Path = ROOT,
             env: dict[str, str] | None = None) -> None:
    if run_logged(command, log, limit_s, cwd, env) != 0:
        raise StepFailed(f"{what} failed ({log.relative_to(ROOT)}):\n{tail(log)}")


def build(preset: str, log: Path) -> None:
    """Configures and builds one of the presets of CMakePresets.json."""
    must_run(f"configuring {preset}", ["cmake", "--preset", preset], log, BUILD_LIMIT_S)
    jobs = str(os.cpu_count() or 1)
    must_run(f"building {preset}", ["cmake", "--build", "--preset", preset, "--parallel", jobs], log, BUILD_LIMIT_S)


def build_web_package(log: Path) -> None:
    """Builds web/dist; the WebAssembly modules must have been built before."""
    must_run("building the npm package", ["npm", "run", "build"], log, BUILD_LIMIT_S, WEB)


def build_app(log: Path, out: Path, models: list[str]) -> None:
    """Builds the demo app over web/dist into `out`, which is emptied; it offers the models of these names alone."""
    command = ["node", "node_modules/vite/bin/vite.js", "build", "--config", "demo/vite.config.mjs", "--outDir", str(out)]
    must_run("building the app", command, log, BUILD_LIMIT_S, WEB, {"INKLING_DEMO_MODELS": ",".join(models)})


def fetch_model(name: str | None = None) -> Path:
    """The path of a model of models/manifest.json, by default the default one."""
    command = [str(ROOT / "tools" / "fetch"), *([name] if name else [])]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=DOWNLOAD_LIMIT_S)
    if result.returncode != 0:
        raise StepFailed("the model is not there; see above")
    return Path(result.stdout.splitlines()[-1])
