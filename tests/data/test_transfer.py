import os
from pathlib import Path

import pytest

from office31_cli import paths, storage
from office31_cli.data import transfer, web
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Office31Error, Refused
from tests.helpers.misbehaving import Behaviour, endless_body, endless_head, honest, run_server, send, silent

BODY = bytes(range(256)) * 400
CUT = len(BODY) * 4 // 10
QUICK = Limits(answer=5, attempts=3, backoff=0)
ONCE = Limits(answer=5, attempts=1)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def fetch(url: str, limits: Limits = QUICK) -> bytes:
    with transfer.fetch(url, limits=limits) as fetched:
        return fetched.path.read_bytes()


def left_behind() -> list[Path]:
    return [path for path in (paths.cache_home() / "downloads").rglob("*") if path.name == "body"]


def test_a_file_arrives_and_nothing_of_it_stays_behind() -> None:
    with run_server(honest(BODY)) as server:
        assert fetch(server.url()) == BODY
    assert left_behind() == []


def test_a_file_of_untold_length_arrives() -> None:
    with run_server(send(BODY, length=-1)) as server:
        assert fetch(server.url()) == BODY


@pytest.mark.fault(1)
def test_a_broken_transfer_goes_on_where_it_broke() -> None:
    with run_server(honest(BODY, stop_at=CUT), honest(BODY)) as server:
        assert fetch(server.url()) == BODY
        assert f"Range: bytes={CUT}-" in server.requests[1]
        assert 'If-Range: "1"' in server.requests[1]


def test_it_goes_on_in_the_next_run_too() -> None:
    with run_server(honest(BODY, stop_at=CUT), honest(BODY)) as server:
        with pytest.raises(Failed, match=f"closed after {CUT:,} of {len(BODY):,} bytes"):
            fetch(server.url(), ONCE)
        with transfer.fetch(server.url(), limits=ONCE) as fetched:
            assert fetched.resumed
            assert fetched.path.read_bytes() == BODY


@pytest.mark.parametrize("behaviour", [send(BODY[:CUT], length=len(BODY)), send(BODY, length=len(BODY) + 1)])
@pytest.mark.fault(2)
def test_a_body_that_stays_short_fails_after_a_few_attempts(behaviour: Behaviour) -> None:
    with run_server(behaviour) as server:
        with pytest.raises(Failed, match="3 attempts"):
            fetch(server.url())
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "page",
    [
        send(b"anything", Content_Type="text/html; charset=utf-8"),
        send(b"\n <!DOCTYPE html><p>Quota exceeded"),
        send(b"\xef\xbb\xbf<html>", Content_Type="application/octet-stream"),
    ],
)
@pytest.mark.fault(5)
def test_a_page_is_not_an_archive(page: Behaviour) -> None:
    with run_server(page) as server, pytest.raises(Failed, match="got HTML, not an archive"):
        fetch(server.url())
    assert left_behind() == []


@pytest.mark.parametrize(("status", "requests"), [("404 Not Found", 1), ("500 Oops", 3), ("503 Busy", 3)])
@pytest.mark.fault(6)
def test_a_server_that_says_no_is_asked_a_bounded_number_of_times(status: str, requests: int) -> None:
    with run_server(send(b"", status)) as server:
        with pytest.raises(Failed, match=f"the server answered {status[:3]}"):
            fetch(server.url())
        assert len(server.requests) == requests


def test_a_busy_server_is_asked_again() -> None:
    with run_server(send(b"", "503 Busy"), honest(BODY)) as server:
        assert fetch(server.url()) == BODY


def test_a_redirect_is_followed() -> None:
    with run_server(send(b"", "302 Found", Location="/other"), honest(BODY)) as server:
        assert fetch(server.url()) == BODY
        assert server.requests[1].startswith("GET /other ")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "gopher:x"])
@pytest.mark.fault(7)
def test_a_redirect_to_anything_but_the_web_is_refused(target: str) -> None:
    with run_server(send(b"", "302 Found", Location=target)) as server, pytest.raises(Refused, match="redirects to"):
        fetch(server.url())


@pytest.mark.fault(7)
def test_a_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(Refused, match="from https to http"):
        web.resolve_redirect("https://example.org/x", "http://example.org/x")
    assert web.resolve_redirect("https://example.org/x", "/y") == "https://example.org/y"
    assert web.resolve_redirect("http://example.org/x", "https://example.org/") == "https://example.org/"


@pytest.mark.fault(8)
def test_a_redirect_loop_ends_after_five() -> None:
    with run_server(send(b"", "302 Found", Location="/again")) as server:
        with pytest.raises(Failed, match="redirected more than 5 times"):
            fetch(server.url())
        assert len(server.requests) == 6


@pytest.mark.fault(10)
def test_a_trickle_is_given_up() -> None:
    with run_server(honest(BODY)) as server, pytest.raises(Failed, match="slower than"):
        fetch(server.url(), Limits(slow_bytes=10**18, slow_seconds=0))


@pytest.mark.parametrize("behaviour", [silent, endless_head])
@pytest.mark.fault(11)
def test_a_server_that_does_not_answer_is_given_up_at_once(behaviour: Behaviour) -> None:
    with run_server(behaviour) as server:
        with pytest.raises(Failed, match=r"no answer within 0\.1 s"):
            fetch(server.url(), Limits(answer=0.1))
        assert len(server.requests) == 1


@pytest.mark.fault(11)
def test_the_default_patience_for_an_answer_is_at_most_30_seconds() -> None:
    assert Limits().answer <= 30


@pytest.mark.fault(14)
def test_an_endless_body_is_stopped_at_the_cap() -> None:
    with run_server(endless_body) as server, pytest.raises(Refused, match="larger than the 100,000 bytes"):
        fetch(server.url(), Limits(body=100_000))
    assert left_behind() == []


def test_a_body_that_says_it_is_too_large_is_not_begun() -> None:
    with run_server(send(BODY, length=10**12)) as server, pytest.raises(Refused, match="larger than"):
        fetch(server.url())


def test_another_encoding_is_not_taken() -> None:
    with run_server(send(BODY, Content_Encoding="br")) as server, pytest.raises(Failed, match="encoding"):
        fetch(server.url())


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/x", "http://127.0.0.1:port/", "http://[", "ftp://x/", "http://"]
)
def test_an_address_that_leads_nowhere_fails_in_a_sentence(address: str) -> None:
    with pytest.raises(Failed, match=r"; try again later, or fetch the file by other means$"):
        fetch(address)


OTHER = BODY[::-1] + b"!"


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(honest(OTHER, '"2"'), id="the validator changed"),
        pytest.param(send(OTHER), id="Range is ignored"),
        pytest.param(honest(OTHER, None), id="the length changed"),
    ],
)
@pytest.mark.fault(13)
def test_a_stale_part_is_not_gone_on_with(later: Behaviour) -> None:
    with run_server(honest(BODY, stop_at=CUT), later) as server:
        with pytest.raises(Failed):
            fetch(server.url(), ONCE)
        with transfer.fetch(server.url(), limits=QUICK) as fetched:
            assert not fetched.resumed
            assert fetched.path.read_bytes() == OTHER


def test_a_server_without_validators_is_resumed_when_the_length_agrees() -> None:
    with run_server(honest(BODY, None, stop_at=CUT), honest(BODY, None)) as server:
        assert fetch(server.url()) == BODY
        assert f"Range: bytes={CUT}-" in server.requests[1]


def test_nothing_is_resumed_where_neither_validator_nor_length_tell_what_it_is() -> None:
    broken = send(b"ffff\r\nonly", length=-1, Transfer_Encoding="chunked")
    with run_server(broken, honest(BODY)) as server:
        assert fetch(server.url()) == BODY
        assert "Range" not in server.requests[1]


@pytest.mark.parametrize("content", [BODY + b"too much", b""])
@pytest.mark.fault(13)
def test_a_part_of_an_impossible_size_is_begun_anew(content: bytes) -> None:
    with run_server(honest(BODY, stop_at=CUT), honest(BODY)) as server:
        with pytest.raises(Failed):
            fetch(server.url(), ONCE)
        (part,) = left_behind()
        part.write_bytes(content)
        assert fetch(server.url(), ONCE) == BODY


@pytest.mark.parametrize("state", [b"", b"{}", b"[]", b'{"total": 3', b'{"total": "x", "validator": 1}'])
def test_a_damaged_note_beside_the_part_makes_it_begin_anew(state: bytes) -> None:
    with run_server(honest(BODY, stop_at=CUT), honest(BODY)) as server:
        with pytest.raises(Failed):
            fetch(server.url(), ONCE)
        (part,) = left_behind()
        part.with_name("state").write_bytes(state)
        assert fetch(server.url(), ONCE) == BODY


def test_a_whole_file_that_was_not_used_is_not_fetched_again() -> None:
    with run_server(honest(BODY)) as server:
        with pytest.raises(KeyboardInterrupt), transfer.fetch(server.url()):
            raise KeyboardInterrupt
        assert fetch(server.url()) == BODY
        assert len(server.requests) == 1


def test_a_refused_file_is_removed() -> None:
    with run_server(honest(BODY)) as server, pytest.raises(Refused), transfer.fetch(server.url()):
        raise Refused("file", "a flipped bit", "fetch it again")
    assert left_behind() == []


def test_the_same_address_can_be_fetched_by_many_at_once() -> None:
    with run_server(honest(BODY)) as server:
        url = server.url()
        with transfer.fetch(url) as one, transfer.fetch(url) as other:
            assert one.path != other.path
            assert one.path.read_bytes() == other.path.read_bytes() == BODY


def test_what_a_killed_process_left_is_gone_on_with() -> None:
    with run_server(honest(BODY, stop_at=CUT), honest(BODY)) as server:
        with pytest.raises(Failed):
            fetch(server.url(), ONCE)
        (part,) = left_behind()
        key = part.parent.name.partition(".")[0]
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        owned = storage.owned_name(key).replace(f".{os.getpid()}@", f".{child}@")
        part.parent.rename(part.parent.with_name(owned))
        assert fetch(server.url(), ONCE) == BODY
        assert len(server.requests) == 2
        assert "Range" in server.requests[1]


def test_what_broken_transfers_left_is_cleared_away() -> None:
    with run_server(honest(BODY, stop_at=CUT)) as server:
        for path in ("one", "two"):
            with pytest.raises(Office31Error):
                fetch(server.url(path), ONCE)
    assert len(left_behind()) == 2
    transfer.clear_abandoned()
    assert left_behind() == []
