"""Runs the `inkling` command on its hosts: as a native program, and as WebAssembly under Wasmtime."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
NATIVE = ROOT / "build" / "native" / "inkling"
SANITIZED = ROOT / "build" / "native-sanitize" / "inkling"
WASM = ROOT / "build" / "wasi" / "inkling.wasm"

Argument = str | bytes | Path | int | float


@dataclass(frozen=True)
class Result:
    """How one run of the command ended."""

    status: int  # below 0: killed by that signal
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """What it said on stderr, which has to be one line."""
        text = self.err.decode()
        assert text.startswith("inkling: ") and text.endswith("\n") and text.count("\n") == 1, \
            f"not one clear line on stderr: {text[-2000:]!r}"
        return text.rstrip("\n")


@dataclass(frozen=True)
class Host:
    """A way to start the command. Paths mean the same on every host: Wasmtime is shown the folders of
    the repository's test data and of the models under their own names, and others on request."""

    name: str
    launcher: tuple[str, ...]         # what stands before the command's own arguments
    wasmtime_flags: tuple[str, ...] = ()
    wasm: str | None = None           # the module, when the launcher is Wasmtime
    folders: tuple[Path, ...] = ()    # that Wasmtime shows
    env: Mapping[str, str] | None = None

    def command(self, *arguments: Argument) -> list[str | bytes]:
        words = [a if isinstance(a, bytes) else str(a) for a in arguments]
        if self.wasm is None:
            return [*self.launcher, *words]
        shown = [word for folder in self.folders for word in ("--dir", str(folder))]
        return [*self.launcher, *self.wasmtime_flags, *shown, self.wasm, *words]

    def showing(self, *folders: Path) -> Host:
        return Host(self.name, self.launcher, self.wasmtime_flags, self.wasm, (*self.folders, *folders), self.env)

    def with_wasmtime(self, *flags: str) -> Host:
        return Host(self.name, self.launcher, (*self.wasmtime_flags, *flags), self.wasm, self.folders, self.env)

    def run(self, *arguments: Argument, stdin: bytes = b"", timeout: float = 120,
            preexec: Callable[[], None] | None = None) -> Result:
        """Runs it to its end, whatever that is."""
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, timeout=timeout,
                              preexec_fn=preexec, env=self.env)
        return Result(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: Argument, stdin: bytes = b"", timeout: float = 120) -> Result:
        """Runs it; it must succeed, and have nothing to say about it."""
        result = self.run(*arguments, stdin=stdin, timeout=timeout)
        assert result.status == 0 and result.err == b"", (result.status, result.err.decode(errors="replace"))
        return result

    def fails(self, *arguments: Argument, stdin: bytes = b"", timeout: float = 120,
              preexec: Callable[[], None] | None = None) -> str:
        """Runs it; it must fail with one clear line, which is returned."""
        result = self.run(*arguments, stdin=stdin, timeout=timeout, preexec=preexec)
        assert result.status == 1, (result.status, result.err.decode(errors="replace"))
        return result.complaint
