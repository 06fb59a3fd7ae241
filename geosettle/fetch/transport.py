"""Bytes from other machines: the only file that opens a connection.

Every fault of a network has one sentence here. What was received stays usable: a cut answer is
asked for again from where it was cut, a killed download goes on in the next call.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from geosettle import __version__
from geosettle.errors import FetchError, OutputError
from geosettle.io.staging import explained

BLOCK: Final = 1 << 16
"""Bytes that are asked for at least of a file that is read in parts."""
_KEPT: Final = 256
"""Blocks that are remembered of such a file."""
_LONGEST_WAIT_S: Final = 300.0
_SMALL: Final = 64_000_000
"""Bytes that a catalogue, an index or a checksum has at most."""
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_WEB_PAGE: Final = re.compile(rb"\s*(<!doctype\s+html|<html)", re.IGNORECASE)
_REDIRECTS: Final = 5


class NotThereError(FetchError):
    """The server does not have what was asked for, or gives it to nobody."""


class _CutError(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class Remote:
    """A file on another machine as its server describes it."""

    url: str
    size: int | None = None
    etag: str = ""
    modified: str = ""

    @property
    def condition(self) -> dict[str, str]:
        """What lets a server send a part only of the file that was seen."""
        strong = "" if self.etag.startswith("W/") else self.etag
        return {"If-Range": strong or self.modified} if strong or self.modified else {}

    def same_as(self, other: Remote) -> bool:
        """Whether nothing says that the two are different files."""
        pairs = ((self.etag, other.etag), (self.size, other.size))
        return all(a == b for a, b in pairs if a and b) and (
            bool(self.etag and other.etag) or self.modified == other.modified
        )


class Transport:
    """Requests with retries, limits and a count of what was moved.

    Parameters
    ----------
    mirror
        Address of a server that has the files of all others, under their host and path:
        https://a.org/b.tif is MIRROR/a.org/b.tif there. Empty: each is asked itself.
    offline
        Whether any connection is refused.
    wait
        Called with seconds before a request is repeated.
    attempts
        How often a request that brings nothing is made.
    timeout_s
        To connect, and between two packets.
    """

    def __init__(
        self,
        *,
        mirror: str = "",
        offline: bool = False,
        wait: Callable[[float], None] = time.sleep,
        attempts: int = 5,
        timeout_s: tuple[float, float] = (20.0, 60.0),
    ) -> None:
        self.mirror, self.offline, self.wait = mirror.rstrip("/"), offline, wait
        self.attempts, self.timeout_s = attempts, timeout_s
        self.moved = 0
        self._session = requests.Session()
        # Proxies come from the environment; passwords of a .netrc are nobody's business here.
        self._session.auth = lambda request: request
        agent = f"geosettle/{__version__}"
        self._session.headers.update({"User-Agent": agent, "Accept-Encoding": "identity"})

    def close(self) -> None:
        """Close what is open."""
        self._session.close()

    def address(self, url: str) -> str:
        """Where a file is asked for: its own address, or the place of it on the mirror."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise FetchError("this is no address that is fetched", value=url[:200])
        if not self.mirror or url.startswith(f"{self.mirror}/"):
            return url
        query = f"?{parts.query}" if parts.query else ""
        return f"{self.mirror}/{parts.netloc}{parts.path}{query}"

    # --- one request

    def about(self, url: str, hosts: Collection[str] = ()) -> Remote:
        """Return what the server says of a file, without the file."""
        with self._ask("HEAD", url, {}, hosts) as response:
            return _described(url, response, _length(response))

    def read(self, url: str, hosts: Collection[str] = (), limit: int = _SMALL) -> bytes:
        """Return a small file."""
        for number in count(1):
            with self._ask("GET", url, {}, hosts) as response:
                try:
                    return b"".join(self._pieces(response, url, limit))
                except _CutError as error:
                    self._again(number, url, _cut(error.args[0]))
        raise AssertionError

    def read_json(self, url: str, hosts: Collection[str] = ()) -> Any:
        """Return what a catalogue says."""
        data = self.read(url, hosts)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            what = "a web page" if _WEB_PAGE.match(data) else "no JSON"
            raise FetchError(f"{_host(url)} answered with {what}", file=url) from error

    def _ask(
        self, method: str, url: str, headers: dict[str, str], hosts: Collection[str]
    ) -> requests.Response:
        """Return an answer that holds what was asked for, after as many tries as it takes."""
        if self.offline:
            raise FetchError(
                "nothing is fetched with --offline", file=url, mend="Call it once without."
            )
        for number in count(1):
            response, fault, pause = self._once(method, url, headers, hosts)
            if response is not None:
                return response
            if pause > _LONGEST_WAIT_S:
                raise FetchError(
                    f"{_host(url)} asks to come back in {pause:.0f} s", file=url,
                    mend="Call it again then; what is here already stays.",
                )  # fmt: skip
            self._again(number, url, fault, pause)
        raise AssertionError

    def _again(self, number: int, url: str, fault: str, pause: float = 0.0) -> None:
        """Wait before the next try; after the last say why there is none."""
        if number >= self.attempts:
            raise FetchError(
                f"{fault}; {self.attempts} tries", file=url,
                mend="Call it again later; it goes on where it stopped.",
            )  # fmt: skip
        self.wait(pause or 2.0 ** (number - 1))

    def _once(
        self, method: str, url: str, headers: dict[str, str], hosts: Collection[str]
    ) -> tuple[requests.Response | None, str, float]:
        """Return an answer, or why there is none and how long the server asks to wait."""
        host = _host(url)
        try:
            response = self._follow(method, url, headers, hosts)
        except requests.exceptions.ProxyError as error:
            raise FetchError(
                f"the proxy on the way to {host} does not answer", file=url,
                mend="Check http_proxy, https_proxy and no_proxy.",
            ) from error  # fmt: skip
        except requests.exceptions.SSLError as error:
            raise FetchError(
                f"the certificate of {host} is not trusted", file=url,
                mend="Behind a proxy that opens https, name its certificate in REQUESTS_CA_BUNDLE.",
            ) from error  # fmt: skip
        except requests.exceptions.Timeout:
            return None, f"{host} does not answer in time", 0.0
        except requests.exceptions.ConnectionError as error:
            if _unreachable(error):
                raise FetchError(
                    f"{host} cannot be reached", file=url,
                    mend="Check the network, or name a proxy in https_proxy.",
                ) from error  # fmt: skip
            return None, f"{host} closed the connection", 0.0
        except requests.exceptions.RequestException as error:
            raise FetchError(f"this cannot be asked for ({error})", file=url) from error
        status = response.status_code
        if status in _BUSY:
            response.close()
            return None, f"{host} is busy ({status})", _pause(response)
        if status in {401, 403, 404, 410}:
            response.close()
            what = "there is no such file" if status in {404, 410} else "the file is not public"
            raise NotThereError(
                f"{what} at {host} ({status})", file=url,
                mend="If its address has changed, set it: [fetch.address] SOURCE = ...",
            )  # fmt: skip
        if status >= 400 and not (status == 416 and "Range" in headers):
            response.close()
            raise FetchError(f"{host} answered with {status}", file=url)
        return response, "", 0.0

    def _follow(
        self, method: str, url: str, headers: dict[str, str], hosts: Collection[str]
    ) -> requests.Response:
        """Ask, and follow redirects to the same server or to one that the source names."""
        at = self.address(url)
        for _ in range(_REDIRECTS):
            response = self._session.request(
                method, at, headers=headers, stream=True, allow_redirects=False,
                timeout=self.timeout_s,
            )  # fmt: skip
            if not response.is_redirect:
                return response
            response.close()
            to = urljoin(at, response.headers["location"])
            here, there = urlsplit(at), urlsplit(to)
            if here.scheme == "https" and there.scheme != "https":
                raise FetchError(f"{here.netloc} leads from https to an open connection", file=url)
            if there.netloc != here.netloc and there.hostname not in hosts:
                raise FetchError(
                    f"{here.netloc} leads to another server, {there.netloc}, that the source "
                    "does not name",
                    file=url,
                    mend="If you trust it, name its address in [fetch.address].",
                )
            at = to
        raise FetchError(f"{_host(url)} leads in a circle", file=url)

    def _pieces(
        self, response: requests.Response, url: str, limit: int, least: int = 0
    ) -> Iterator[bytes]:
        """Yield the body of an answer, of so many bytes at least, and no larger than the limit."""
        stated, received = _length(response), 0
        if stated is not None and stated > limit:
            raise FetchError(
                f"{_host(url)} announces {stated / 1e6:,.0f} MB; at most {limit / 1e6:,.0f} MB "
                "are taken",
                file=url,
            )
        try:
            # Not iter_content: it drops what it holds when the connection is cut.
            while piece := response.raw.read1(BLOCK, decode_content=False):
                self.moved += len(piece)
                received += len(piece)
                if received > limit:
                    raise FetchError(
                        f"{_host(url)} sends more than {limit / 1e6:,.0f} MB without an end",
                        file=url,
                    )
                yield piece
        except urllib3.exceptions.HTTPError as error:
            raise _CutError(received) from error
        if received < max(stated or 0, least):
            raise _CutError(received)

    # --- whole files

    def download(
        self,
        url: str,
        path: Path,
        *,
        hosts: Collection[str] = (),
        limit: int = 20_000_000_000,
        md5: str = "",
    ) -> Remote:
        """Fetch a whole file; what an earlier call received of it is not asked for again.

        Parameters
        ----------
        url, hosts
            Where it is, and further servers that the address may lead to.
        path
            Where to; until the file is whole and its checksum right it has another name.
        limit
            Bytes it has at most.
        md5
            Checksum that its provider names.
        """
        part = path.with_name(f".{path.name}.part")
        about = part.with_suffix(".about")
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            remote = _read_about(about, part, url)
        number = restarts = 0
        while True:
            number += 1
            start = part.stat().st_size if remote is not None and part.exists() else 0
            headers = {} if remote is None or not start else {
                "Range": f"bytes={start}-", **remote.condition
            }  # fmt: skip
            with self._ask("GET", url, headers, hosts) as response:
                whole = response.status_code != 206
                if start and whole:  # it changed meanwhile, or parts are not served
                    start, restarts = 0, restarts + 1
                if restarts > 2:
                    _forget(part, about)
                    raise FetchError("the file changes while it is fetched", file=url)
                if response.status_code == 416:  # all of it is here, or more
                    _forget(part, about)
                    remote = None
                    continue
                size = _length(response) if whole else _total(response, start, url)
                if remote is not None and start and size != remote.size:
                    _forget(part, about)
                    raise FetchError(
                        f"the file had {remote.size:,} bytes and now has {size:,}", file=url
                    )
                remote = _described(url, response, size)
                if (size or 0) <= limit:
                    _check_room(path, (size or 0) - start)
                try:
                    with explained(path):
                        about.write_text(json.dumps(asdict(remote)), encoding="utf-8")
                        span = start, size or 0
                        self._append(response, url, part, span, limit=limit)
                except _CutError as error:
                    number = 1 if error.args[0] >= BLOCK else number
                    self._again(number, url, _cut(start + error.args[0], size))
                    continue
                except FetchError:
                    _forget(part, about)
                    raise
            _check_sum(part, about, url, md5)
            with explained(path):
                part.replace(path)
                about.unlink(missing_ok=True)
            return remote

    def _append(
        self,
        response: requests.Response,
        url: str,
        part: Path,
        span: tuple[int, int],
        *,
        limit: int,
    ) -> None:
        """Add the body of an answer, from the first of the span on to the size of the file."""
        kind, (start, size) = response.headers.get("content-type", ""), span
        with part.open("r+b" if start else "wb") as handle:
            if start:
                handle.seek(start)
                handle.truncate()
            # A server may send less of a part than it was asked for (RFC 9110, 15.3.7).
            body = self._pieces(response, url, limit - start, least=size - start)
            for n, piece in enumerate(body):
                if n == 0 and not start:
                    _refuse_web_page(piece, kind, url)
                handle.write(piece)

    # --- parts of files

    def open(self, url: str, hosts: Collection[str] = ()) -> RangeFile:
        """Return a file of which only the parts that are read are fetched."""
        return RangeFile(self, url, hosts)

    def part(
        self, remote: Remote, start: int, stop: int, hosts: Collection[str] = ()
    ) -> tuple[bytes, Remote]:
        """Return bytes from start to stop of a file, all from the same version of it."""
        url, got, number = remote.url, b"", 0
        while not got or len(got) < min(stop, remote.size or stop) - start:
            number += 1
            span = {"Range": f"bytes={start + len(got)}-{stop - 1}", **remote.condition}
            with self._ask("GET", url, span, hosts) as response:
                if response.status_code == 416:
                    raise _changed(url)
                if response.status_code != 206:
                    if remote.size is not None:
                        raise _changed(url)
                    head = response.raw.read1(1000, decode_content=False)
                    _refuse_web_page(head, response.headers.get("content-type", ""), url)
                    raise FetchError(
                        f"{_host(url)} does not serve parts of files", file=url,
                        mend="Name a server that does in [fetch.address].",
                    )  # fmt: skip
                size = _total(response, start + len(got), url)
                now = _described(url, response, size)
                if not remote.same_as(now) and remote.size is not None:
                    raise _changed(url)
                remote = now if remote.size is None else remote
                try:
                    room, least = (n - start - len(got) for n in (stop, min(stop, size)))
                    for piece in self._pieces(response, url, room, least):
                        got += piece
                except _CutError as error:
                    number = 1 if error.args[0] >= BLOCK else number
                    self._again(number, url, _cut(len(got), stop - start))
        return got, remote


class RangeFile(io.RawIOBase):
    """A file on another machine, read in blocks, as Python's own files are read.

    GDAL cannot pass on what is raised while it reads: `fault` keeps it, and a `silent` file ends.
    """

    silent = False

    def __init__(self, transport: Transport, url: str, hosts: Collection[str] = ()) -> None:
        super().__init__()
        self._transport, self._hosts, self._at = transport, tuple(hosts), 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self.fault: FetchError | None = None
        self.head, self.remote = transport.part(Remote(url), 0, BLOCK, self._hosts)
        _refuse_web_page(self.head, "", url)
        self._blocks[0] = self.head

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read from anywhere: yes."""
        return True

    def tell(self) -> int:
        """Return where it is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.remote.size or 0

    def readinto(self, buffer: Any) -> int:
        """Read as much as there is room for."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read from where it is."""
        stop = self.size if size < 0 else min(self.size, self._at + size)
        if stop <= self._at:
            return b""
        if self.fault is not None and not self.silent:
            raise self.fault
        first, last = self._at // BLOCK, (stop - 1) // BLOCK
        try:
            data = b"" if self.fault else b"".join(self._fetched(first, last))
        except FetchError as error:
            self.fault, data = error, b""
            if not self.silent:
                raise
        skip = self._at - first * BLOCK
        self._at = stop
        return data[skip : skip + stop - first * BLOCK - skip]

    def _fetched(self, first: int, last: int) -> Iterator[bytes]:
        """Yield blocks, those that follow each other and are missing by one request."""
        at = first
        while at <= last:
            if at in self._blocks:
                self._blocks.move_to_end(at)
                yield self._blocks[at]
                at += 1
                continue
            end = at
            while end < last and end + 1 not in self._blocks:
                end += 1
            start, stop = at * BLOCK, min(self.size, (end + 1) * BLOCK)
            data, _ = self._transport.part(self.remote, start, stop, self._hosts)
            for n in range(at, end + 1):
                self._blocks[n] = data[(n - at) * BLOCK : (n - at + 1) * BLOCK]
                yield self._blocks[n]
            at = end + 1
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _cut(received: int, size: int | None = None) -> str:
    of = "" if size is None else f" of {size:,}"
    return f"the connection was cut after {received:,}{of} bytes"


def _changed(url: str) -> FetchError:
    return FetchError(
        "the file changed on its server while it was fetched", file=url, mend="Call it again."
    )


def _length(response: requests.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isdecimal() else None


def _total(response: requests.Response, start: int, url: str) -> int:
    """Return the size of the whole file that an answer with a part of it states."""
    found = re.fullmatch(
        r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("content-range", "").strip()
    )
    if found is None or int(found[1]) != start:
        raise FetchError(f"{_host(url)} sends another part than the one asked for", file=url)
    length = _length(response)
    if length is not None and length != int(found[2]) - start + 1:
        raise FetchError(f"{_host(url)} states two lengths for one part", file=url)
    return int(found[3])


def _described(url: str, response: requests.Response, size: int | None) -> Remote:
    header = response.headers
    return Remote(url, size, header.get("etag", ""), header.get("last-modified", ""))


def _pause(response: requests.Response) -> float:
    """Seconds that a server asks to wait; 0 where it does not say."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    then = then.replace(tzinfo=then.tzinfo or UTC)  # "-0000" is UTC too, and read as no zone
    return max(0.0, (then - datetime.now(UTC)).total_seconds())


def _unreachable(error: Exception) -> bool:
    """Whether there was no connection at all."""
    kinds = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError)
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, kinds)


def _refuse_web_page(head: bytes, kind: str, url: str) -> None:
    if kind.startswith("text/html") or _WEB_PAGE.match(head[:1000]):
        raise FetchError(
            f"{_host(url)} sent a web page in place of the file", file=url,
            mend="Open the address in a browser: it may ask for a login, as some networks do.",
        )  # fmt: skip


def _read_about(about: Path, part: Path, url: str) -> Remote | None:
    """Return what an earlier call noted of a file that it could not finish."""
    try:
        noted = Remote(**json.loads(about.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return noted if noted.url == url and noted.condition and part.exists() else None


def _forget(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _check_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise OutputError(
            f"the disk has {free / 1e6:,.0f} MB left and {size / 1e6:,.0f} MB are needed; nothing "
            "was changed",
            file=str(path),
            mend="Free some space, or choose another folder.",
        )


def _check_sum(part: Path, about: Path, url: str, md5: str) -> None:
    if not md5:
        return
    with part.open("rb") as handle:
        found = hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False))
    if found.hexdigest() != md5.lower():
        _forget(part, about)
        raise FetchError("the file is not the one whose checksum its provider names", file=url,
                         mend="Call it again.")  # fmt: skip
