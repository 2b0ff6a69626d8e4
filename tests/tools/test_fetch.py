"""tools/fetch against a server that breaks off, in a throw-away source tree with its own manifest."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FETCH = Path(__file__).resolve().parents[2] / "tools" / "fetch"
CONTENT = random.Random(1).randbytes(300_000)
PIECE = 120_000  # the server closes the connection after so many bytes


class Server(ThreadingHTTPServer):
    ranges: list[str | None]


class BreakingOff(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        header = self.headers.get("Range")
        self.server.ranges.append(header)
        first = int(header.removeprefix("bytes=").removesuffix("-")) if header else 0
        self.send_response(206 if header else 200)
        self.send_header("Content-Length", str(len(CONTENT) - first))
        self.end_headers()
        self.wfile.write(CONTENT[first:first + PIECE])

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), BreakingOff) as server:
        server.ranges = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def source_tree(folder: Path, server: Server, sha256: str) -> Path:
    """A tree whose default model `m` comes from the server."""
    (folder / "tools").mkdir()
    (folder / "models").mkdir()
    shutil.copy(FETCH, folder / "tools" / "fetch")
    model = {"about": "", "file": "m.gguf", "size": len(CONTENT), "sha256": sha256, "license": "none",
             "sources": [{"type": "url", "url": f"http://127.0.0.1:{server.server_port}/m.gguf"}]}
    (folder / "models" / "manifest.json").write_text(json.dumps({"default": "m", "models": {"m": model}}))
    return folder / "tools" / "fetch"


def fetch(command: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(command), *arguments], capture_output=True, text=True, timeout=60)


def test_resumes_verifies_and_caches(tmp_path: Path, server: Server) -> None:
    command = source_tree(tmp_path, server, hashlib.sha256(CONTENT).hexdigest())
    result = fetch(command)
    assert result.returncode == 0, result.stderr
    path = Path(result.stdout.splitlines()[-1])
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=120000-", "bytes=240000-"]
    assert fetch(command, "m").stdout == result.stdout
    assert len(server.ranges) == 3, "the second run must not download"


def test_damaged_file_is_fetched_again(tmp_path: Path, server: Server) -> None:
    command = source_tree(tmp_path, server, hashlib.sha256(CONTENT).hexdigest())
    path = Path(fetch(command).stdout.splitlines()[-1])
    path.write_bytes(CONTENT[:-1] + b"?")
    result = fetch(command)
    assert result.returncode == 0 and "damaged" in result.stderr
    assert path.read_bytes() == CONTENT


def test_wrong_content_is_refused_with_what_to_do(tmp_path: Path, server: Server) -> None:
    command = source_tree(tmp_path, server, "0" * 64)
    result = fetch(command)
    assert result.returncode == 1 and result.stdout == ""
    assert "another sha256" in result.stderr and str(tmp_path / ".cache" / "models" / "m.gguf") in result.stderr


def test_unknown_model_names_the_known(tmp_path: Path, server: Server) -> None:
    result = fetch(source_tree(tmp_path, server, "0" * 64), "other")
    assert result.returncode == 2 and "there are: m" in result.stderr


def test_bundled_model_is_verified_where_it_lies(tmp_path: Path, server: Server) -> None:
    command = source_tree(tmp_path, server, "")
    manifest = tmp_path / "models" / "manifest.json"
    described = json.loads(manifest.read_text())
    described["models"]["m"].update(sha256=hashlib.sha256(CONTENT).hexdigest(), sources=[{"type": "bundled"}])
    manifest.write_text(json.dumps(described))
    path = tmp_path / "models" / "m.gguf"
    missing = fetch(command)
    assert missing.returncode == 1 and "git checkout" in missing.stderr
    path.write_bytes(CONTENT)
    found = fetch(command)
    assert found.returncode == 0 and found.stdout.splitlines()[-1] == str(path)
    path.write_bytes(CONTENT[1:])
    damaged = fetch(command)
    assert damaged.returncode == 1 and "sha256 differs" in damaged.stderr and damaged.stdout == ""
    assert server.ranges == []
