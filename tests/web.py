"""A server on this machine that serves files with parts, and every fault of a network on demand."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Web:
    """What a server has, and how it misbehaves.

    `files`: path to bytes. `tricks`: path to what is done to the next requests, one each:
    status, retry_after, cut (bytes after which the connection ends), etag, page, redirect, endless,
    length (what is announced), no_ranges, short (bytes of a part that it has at most), silent (no
    length and no body), replaced (bytes that take the file's place from now on).
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    tricks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    sent: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        web, parts = self.web, urlsplit(self.path)
        # What a proxy is asked for is a whole address.
        path = f"/{parts.netloc}{parts.path}" if parts.netloc else parts.path
        span = self.headers.get("Range", "")
        web.asked.append((self.command, path, span))
        waiting = web.tricks.get(path, [])
        trick = waiting.pop(0) if waiting else {}
        if "replaced" in trick:
            web.files[path] = trick["replaced"]
        if "redirect" in trick:
            self._head(302, {"Location": trick["redirect"], "Content-Length": "0"})
            return
        if "status" in trick:
            more = {"Retry-After": trick["retry_after"]} if "retry_after" in trick else {}
            self._head(trick["status"], {"Content-Length": "0", **more})
            return
        if "page" in trick:
            data = b"<!DOCTYPE html><html>Please log in</html>"
            kind = "text/html" if trick["page"] == "typed" else "image/tiff"
            self._head(200, {"Content-Type": kind, "Content-Length": str(len(data))})
            self._send(data if body else b"")
            return
        if path not in web.files:
            self._head(404, {"Content-Length": "0"})
            return
        self._file(web.files[path], span, trick, body=body)

    def _file(self, data: bytes, span: str, trick: dict[str, Any], *, body: bool) -> None:
        etag = f'"{hashlib.sha256(data[:4096] + b"%d" % len(data)).hexdigest()[:12]}"'
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", span)
        fits = self.headers.get("If-Range", etag) == etag and "no_ranges" not in trick
        headers = {"ETag": trick.get("etag", etag), "Accept-Ranges": "bytes"}
        status, part = 200, data
        if found and fits:
            start = int(found[1])
            stop = min(int(found[2] or len(data) - 1), len(data) - 1)
            stop = min(stop, start + trick.get("short", len(data)) - 1)
            if start >= len(data):
                self._head(416, {"Content-Length": "0", "Content-Range": f"bytes */{len(data)}"})
                return
            status, part = 206, data[start : stop + 1]
            total = trick.get("total", len(data))
            headers["Content-Range"] = f"bytes {start}-{stop}/{total}"
        if "endless" in trick:
            self._head(status, headers | {"Connection": "close"})
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(b"x" * 100_000)
            self.close_connection = True
            return
        if "silent" in trick:
            self._head(status, headers | {"Connection": "close"})
            self.close_connection = True
            return
        headers["Content-Length"] = str(trick.get("length", len(part)))
        self._head(status, headers)
        if body:
            self._send(part[: trick["cut"]] if "cut" in trick else part)
        if "cut" in trick:
            self.close_connection = True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, data: bytes) -> None:
        self.web.sent += len(data)
        with contextlib.suppress(OSError):
            self.wfile.write(data)


@contextlib.contextmanager
def serving() -> Iterator[Web]:
    """Start a server; it ends with the block."""
    web = Web()
    handler = type("Handler", (_Handler,), {"web": web})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    web.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
