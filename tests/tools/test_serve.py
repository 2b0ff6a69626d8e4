"""The demo's file server: ranges, entity tags, mounts, and nothing outside them."""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "lib"))
from serve import parse_range, serve  # noqa: E402


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    tmp_path = tmp_path_factory.mktemp("site")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<p>page")
    (tmp_path / "page" / "a.wasm").write_bytes(b"\0asm")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf").write_bytes(b"0123456789")
    (tmp_path / "secret").write_text("secret")
    with serve({"/": tmp_path / "page", "/models/": tmp_path / "models"}, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def get(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_whole_files_with_their_types(port: int) -> None:
    response, body = get(port, "/")
    assert (response.status, body) == (200, b"<p>page")
    response, body = get(port, "/a.wasm?v=1")
    assert (response.getheader("Content-Type"), body) == ("application/wasm", b"\0asm")
    assert get(port, "/models/m.gguf")[1] == b"0123456789"


def test_ranges(port: int) -> None:
    response, body = get(port, "/models/m.gguf", Range="bytes=4-")
    assert (response.status, body) == (206, b"456789")
    assert response.getheader("Content-Range") == "bytes 4-9/10"
    assert get(port, "/models/m.gguf", Range="bytes=10-")[0].status == 416


def test_entity_tags(port: int) -> None:
    tag = get(port, "/models/m.gguf")[0].getheader("ETag") or ""
    response, body = get(port, "/models/m.gguf", If_None_Match=tag)
    assert (response.status, body) == (304, b"")
    assert get(port, "/models/m.gguf", Range="bytes=4-", If_Range=tag)[0].status == 206
    assert get(port, "/models/m.gguf", Range="bytes=4-", If_Range='"old"')[1] == b"0123456789"


@pytest.mark.parametrize("path", ["/../secret", "/models/../../secret", "/%2e%2e/secret", "/models/", "/none"])
def test_nothing_else_is_served(port: int, path: str) -> None:
    assert get(port, path)[0].status == 404


@pytest.mark.parametrize(("header", "expected"), [
    ("bytes=0-0", (0, 0)), ("bytes=2-99", (2, 9)), ("bytes=-3", (7, 9)), ("bytes=-99", (0, 9)),
    ("bytes=10-", None), ("bytes=5-4", None), ("bytes=-", None), ("bytes=0-1,3-4", None),
])
def test_parse_range(header: str, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == expected


def test_pages_are_isolated(port: int) -> None:
    for path in ("/", "/a.wasm", "/models/m.gguf"):
        headers = get(port, path)[0].headers
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
