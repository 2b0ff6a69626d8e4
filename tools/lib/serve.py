"""A static file server for the demo page: several folders under one address, byte ranges, entity tags, and the
headers that let the page have threads.

Python's own handler lacks ranges, without which an interrupted model download starts over.
"""

from __future__ import annotations

import posixpath
import re
import urllib.parse
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

COPY_SIZE = 1 << 20


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single-range `Range` header; None if it asks for something outside the file."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if not match or not (match[1] or match[2]):
        return None
    if match[1]:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
    else:
        first, last = max(size - int(match[2]), 0), size - 1
    return (first, last) if first <= last else None


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm",
                      ".js": "text/javascript", ".mjs": "text/javascript", ".gguf": "application/octet-stream",
                      ".webmanifest": "application/manifest+json"}

    def __init__(self, *arguments, mounts: dict[str, Path], **options) -> None:
        self.mounts = mounts
        self.left = 0
        super().__init__(*arguments, **options)

    def translate_path(self, path: str) -> str:
        """The file behind a URL: the longest matching mount's, or the rest of the path in its folder."""
        clean = posixpath.normpath(urllib.parse.unquote(urllib.parse.urlsplit(path).path))
        for prefix in sorted(self.mounts, key=len, reverse=True):
            if clean == prefix.rstrip("/") or (prefix.endswith("/") and clean.startswith(prefix)):
                return str(self.mounts[prefix] / clean[len(prefix):])
        return str(self.mounts["/"] / clean.lstrip("/"))

    def send_head(self) -> BinaryIO | None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            if not urllib.parse.urlsplit(self.path).path.endswith("/"):
                return super().send_head()  # a redirect to the name with a slash
            path /= "index.html"
        try:
            file = path.open("rb")
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        status = path.stat()
        size, tag = status.st_size, f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
        if self.headers.get("If-None-Match") == tag:
            file.close()
            self.start_response(HTTPStatus.NOT_MODIFIED, path, tag, 0)
            return None
        header = self.headers.get("Range")
        if header is None or self.headers.get("If-Range", tag) != tag:
            self.start_response(HTTPStatus.OK, path, tag, size)
            return file
        wanted = parse_range(header, size)
        if wanted is None:
            file.close()
            self.start_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, path, tag, 0, f"bytes */{size}")
            return None
        first, last = wanted
        file.seek(first)
        self.start_response(HTTPStatus.PARTIAL_CONTENT, path, tag, last - first + 1, f"bytes {first}-{last}/{size}")
        return file

    def start_response(self, status: HTTPStatus, path: Path, tag: str, length: int, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", tag)
        # Together they isolate the page, and only then do browsers share memory between threads.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-cache")  # ask again, and be told 304, after each rebuild
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.left = length

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:
        try:
            while self.left > 0 and (chunk := source.read(min(COPY_SIZE, self.left))):
                outputfile.write(chunk)
                self.left -= len(chunk)
        except ConnectionError:  # the page was closed, or the download cancelled
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def serve(mounts: dict[str, Path], port: int) -> ThreadingHTTPServer:
    """A server on the loopback address; `mounts` maps URL prefixes that end in "/" to folders, and others to files."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, mounts=mounts))
