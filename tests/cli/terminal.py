"""The command on a terminal: types to it and reads what appears."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time


class Terminal:
    """The command with a terminal for its stdin and stderr; its stdout, where answers go, is a pipe or
    the terminal too."""

    def __init__(self, command: list[str | bytes], answers_to_terminal: bool) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stderr=slave, start_new_session=True,
                                        stdout=slave if answers_to_terminal else subprocess.PIPE)
        os.close(slave)
        self.seen = b""

    def wait_for(self, ending: bytes, limit_s: float = 60) -> bytes:
        """What appears on the terminal up to `ending`."""
        until = time.monotonic() + limit_s
        while not self.seen.endswith(ending):
            ready, _, _ = select.select([self.master], [], [], max(0, until - time.monotonic()))
            assert ready, f"no {ending!r} after {limit_s} s: {self.seen!r}"
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # what a terminal without programs gives on Linux
                piece = b""
            assert piece, f"ended before {ending!r}: {self.seen!r}"
            self.seen += piece
        seen, self.seen = self.seen, b""
        return seen.replace(b"\r\n", b"\n")

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def end(self) -> tuple[int, bytes]:
        """The exit status and what came on the pipe."""
        status = self.process.wait(30)
        piped = self.process.stdout.read() if self.process.stdout else b""
        return status, piped

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self.master)
