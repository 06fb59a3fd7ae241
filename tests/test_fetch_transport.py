"""Every fault of a network has its sentence, what was received is used, nothing is half written."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from web import Web, serving

from geosettle.errors import FetchError, OutputError
from geosettle.fetch.transport import BLOCK, NotThereError, Transport, _pause

DATA = bytes(range(256)) * 4000  # 1,024,000 bytes


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        found.files["/a.bin"] = DATA
        yield found


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def transport(slept: list[float]) -> Iterator[Transport]:
    made = Transport(wait=slept.append, timeout_s=(5, 5))
    yield made
    made.close()


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_arrives_whole_and_its_bytes_are_counted(web, transport, tmp_path):
    remote = transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert remote.size == transport.moved == len(DATA)
    assert remote.etag
    assert left(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    ("tricks", "sentence"),
    [
        ([{"status": 404}], r"there is no such file at 127\.0\.0\.1:\d+ \(404\)"),
        ([{"status": 403}], "is not public"),
        ([{"status": 418}], "answered with 418"),
        ([{"status": 503}] * 5, r"is busy \(503\); 5 tries"),
        ([{"status": 429, "retry_after": "86400"}], "asks to come back in 86400 s"),
        ([{"cut": 10}] * 5, "the connection was cut after 50 of 1,024,000 bytes; 5 tries"),
        ([{"page": "typed"}], "sent a web page in place of the file"),
        ([{"page": "untyped"}], "sent a web page in place of the file"),
        ([{"endless": True}], "sends more than 2 MB without an end"),
        ([{"length": 10**11}], "announces 100,000 MB; at most 2 MB are taken"),
        ([{"redirect": "http://localhost:9/b.bin"}], "leads to another server, localhost:9"),
        ([{"redirect": "/a.bin"}] * 5, "leads in a circle"),
        ([{"cut": 99}, {"total": 7}], r"the file had 1,024,000 bytes and now has 7"),
    ],
)
def test_a_fault_has_one_sentence_and_leaves_nothing(web, transport, tmp_path, tricks, sentence):
    web.tricks["/a.bin"] = list(tricks)
    with pytest.raises(FetchError, match=sentence) as error:
        transport.download(f"{web.address}/a.bin", tmp_path / "a.bin", limit=2_000_000)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{web.address}/a.bin: ")
    resumes = "cut after" in str(error.value)
    assert [name for name in left(tmp_path) if not name.startswith(".")] == []
    assert bool(left(tmp_path)) == resumes


def test_a_busy_server_is_waited_for_as_it_asks(web, transport, slept, tmp_path):
    web.tricks["/a.bin"] = [{"status": 429, "retry_after": "7"}, {"status": 503}]
    transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert slept == [7, 2]


def test_a_date_to_come_back_is_understood(web, transport, tmp_path):
    web.tricks["/a.bin"] = [{"status": 503, "retry_after": "Fri, 31 Dec 2100 23:59:59 GMT"}]
    with pytest.raises(FetchError, match="asks to come back in"):
        transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")


def test_a_cut_file_goes_on_where_it_was_cut(web, transport, tmp_path):
    web.tricks["/a.bin"] = [{"cut": 700_000}, {"cut": 100_000}]
    transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert [span for *_, span in web.asked] == ["", "bytes=700000-", "bytes=800000-"]
    assert transport.moved == len(DATA)


def test_a_server_that_sends_less_of_a_part_is_asked_for_the_rest(web, transport, tmp_path):
    web.tricks["/a.bin"] = [{"cut": 400_000}, {"short": 100_000}]
    transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert [span for *_, span in web.asked] == ["", "bytes=400000-", "bytes=500000-"]


def test_an_answer_without_anything_is_tried_again_and_given_up(web, transport, tmp_path):
    web.tricks["/a.bin"] = [{"cut": 400_000}, *[{"silent": True}] * 9]
    with pytest.raises(FetchError, match=r"cut after 400,000 of [\d,]+ bytes; 5 tries"):
        transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    web.tricks["/a.bin"] = [{"silent": True}] * 9
    with pytest.raises(FetchError, match="cut after 0 of 65,536 bytes; 5 tries"):
        transport.open(f"{web.address}/a.bin")


def test_a_part_that_nobody_asked_for_is_no_answer(web, transport, tmp_path):
    web.tricks["/a.bin"] = [{"status": 416}]
    with pytest.raises(FetchError, match="answered with 416"):
        transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")


def test_progress_gives_new_tries(web, transport, tmp_path):
    web.tricks["/a.bin"] = [{"cut": BLOCK}] * 12
    transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_a_killed_download_goes_on_in_the_next_call(web, tmp_path, slept):
    web.tricks["/a.bin"] = [{"cut": 400_000}]
    first = Transport(wait=slept.append, attempts=1)
    with pytest.raises(FetchError, match="it goes on where it stopped"):
        first.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    first.close()
    second = Transport()
    second.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    second.close()
    assert second.moved == len(DATA) - 400_000
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(web, transport, tmp_path):
    other = DATA[::-1]
    web.tricks["/a.bin"] = [{"cut": 400_000}, {"replaced": other}]
    transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == other


def test_a_file_that_changes_each_time_is_given_up(web, transport, tmp_path):
    texts = [bytes([n]) * 900_000 for n in range(5)]
    web.tricks["/a.bin"] = [{"replaced": text, "cut": 200_000} for text in texts]
    with pytest.raises(FetchError, match="the file changes while it is fetched"):
        transport.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert left(tmp_path) == []


def test_a_wrong_checksum_is_refused_and_a_right_one_taken(web, transport, tmp_path):
    url = f"{web.address}/a.bin"
    with pytest.raises(FetchError, match="not the one whose checksum its provider names"):
        transport.download(url, tmp_path / "a.bin", md5="0" * 32)
    assert left(tmp_path) == []
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    transport.download(url, tmp_path / "a.bin", md5=md5.upper())
    assert left(tmp_path) == ["a.bin"]


def test_a_redirect_to_a_server_that_the_source_names_is_followed(web, transport, tmp_path):
    port = web.address.rpartition(":")[2]
    web.tricks["/a.bin"] = [{"redirect": f"http://localhost:{port}/a.bin"}]
    transport.download(f"{web.address}/a.bin", tmp_path / "a.bin", hosts=["localhost"])
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_a_full_disk_is_found_before_and_while_writing(web, transport, tmp_path, monkeypatch):
    url = f"{web.address}/a.bin"
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
        with pytest.raises(OutputError, match=r"the disk has 1 MB left and 1 MB are needed"):
            transport.download(url, tmp_path / "a.bin")
    assert left(tmp_path) == []
    full = Path("/dev/full")
    if full.exists():
        (tmp_path / ".a.bin.part").symlink_to(full)
        with pytest.raises(OutputError, match="the disk is full"):
            transport.download(url, tmp_path / "a.bin")
        assert not (tmp_path / "a.bin").exists()


def test_without_a_network_the_sentence_names_the_server(transport, tmp_path):
    with pytest.raises(FetchError, match=r"127\.0\.0\.1:9 cannot be reached\. Check the network"):
        transport.download("http://127.0.0.1:9/a.bin", tmp_path / "a.bin")
    assert left(tmp_path) == []


def test_offline_refuses_before_any_connection(web, tmp_path):
    offline = Transport(offline=True)
    with pytest.raises(FetchError, match="nothing is fetched with --offline"):
        offline.download(f"{web.address}/a.bin", tmp_path / "a.bin")
    assert web.asked == []


def test_proxy_variables_are_used(web, transport, monkeypatch):
    web.files["/data.example/a.txt"] = b"by way of the proxy"
    monkeypatch.setenv("http_proxy", web.address)
    assert transport.read("http://data.example/a.txt") == b"by way of the proxy"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"the proxy on the way to data\.example does not answer"):
        transport.read("http://data.example/a.txt")


def test_a_password_of_netrc_is_not_sent(web, transport, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen = []
    monkeypatch.setattr(
        transport._session, "send",
        lambda request, **_: seen.append(request.headers) or pytest.skip("seen"),
    )  # fmt: skip
    with pytest.raises(pytest.skip.Exception):
        transport.read(f"{web.address}/a.bin")
    assert "Authorization" not in seen[0]


def test_a_mirror_has_each_file_under_its_host(web, tmp_path):
    web.files["/m/data.example/x/a.txt"] = b"a"
    mirrored = Transport(mirror=f"{web.address}/m/")
    assert mirrored.read("https://data.example/x/a.txt") == b"a"
    mirrored.close()


@pytest.mark.parametrize("url", ["ftp://data.example/a", "file:///etc/passwd", "a.tif", "s3://b/k"])
def test_what_is_no_web_address_is_refused(transport, url):
    with pytest.raises(FetchError, match="this is no address that is fetched"):
        transport.read(url)


def test_json_that_is_none_is_named(web, transport):
    web.files |= {"/a.json": b"<html></html>", "/b.json": b"{"}
    with pytest.raises(FetchError, match="answered with a web page"):
        transport.read_json(f"{web.address}/a.json")
    with pytest.raises(FetchError, match="answered with no JSON"):
        transport.read_json(f"{web.address}/b.json")


# --- parts


def test_parts_are_those_of_the_file_and_little_more_is_moved(web, transport):
    found = transport.open(f"{web.address}/a.bin")
    assert found.size == len(DATA)
    for start, size in ((500_000, 1000), (499_000, 3000), (len(DATA) - 10, 100), (0, 5)):
        found.seek(start)
        assert found.read(size) == DATA[start : start + size]
    assert transport.moved <= 5 * BLOCK
    found.seek(0)
    assert found.read() == DATA


def test_a_cut_part_goes_on(web, transport):
    found = transport.open(f"{web.address}/a.bin")
    web.tricks["/a.bin"] = [{"cut": 1234}, {"status": 503}]
    found.seek(BLOCK)
    assert found.read(300_000) == DATA[BLOCK : BLOCK + 300_000]


@pytest.mark.parametrize("trick", [{"replaced": DATA[::-1]}, {"etag": '"b"'}, {"total": 9}])
def test_a_file_that_changes_between_two_parts_is_refused(web, transport, trick):
    found = transport.open(f"{web.address}/a.bin")
    web.tricks["/a.bin"] = [trick]
    found.seek(BLOCK)
    with pytest.raises(FetchError, match="the file changed on its server while it was fetched"):
        found.read(10)
    assert isinstance(found.fault, FetchError)
    with pytest.raises(FetchError, match="changed"):
        found.read(10)


def test_a_server_without_parts_is_named(web, transport):
    web.tricks["/a.bin"] = [{"no_ranges": True}]
    with pytest.raises(FetchError, match="does not serve parts of files"):
        transport.open(f"{web.address}/a.bin")


def test_a_web_page_is_no_part(web, transport):
    web.tricks["/a.bin"] = [{"page": "typed"}]
    with pytest.raises(FetchError, match="sent a web page"):
        transport.open(f"{web.address}/a.bin")


def test_a_missing_file_is_another_error(web, transport):
    with pytest.raises(NotThereError):
        transport.open(f"{web.address}/b.bin")


def test_what_a_server_says_of_a_file_needs_no_file(web, transport):
    assert transport.about(f"{web.address}/a.bin").size == len(DATA)
    assert web.sent == transport.moved == 0
    assert os.environ.get("GEOSETTLE_DEBUG") is None


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_a_time_to_come_back_is_understood_in_every_notation(zone):
    then = datetime.now(UTC) + timedelta(seconds=90)
    response = requests.Response()
    response.headers["Retry-After"] = f"{then:%a, %d %b %Y %H:%M:%S} {zone}"
    assert 80 < _pause(response) <= 90
