from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect.admin_http import AdminHttp
from meshdoctor.collect.api import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
)


class Script:
    """A connection that says these things, and nothing for ever after the last."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = list(pieces)
        self.sent = b""

    async def send(self, data: bytes) -> None:
        self.sent += data

    async def receive(self) -> bytes:
        assert self.pieces, "it waits for more than the answer"
        return self.pieces.pop(0)


async def test_an_answer_ends_with_its_last_byte_and_not_with_the_connection() -> None:
    http = AdminHttp(Script([OK]))
    answer = await http.get("/ready")
    assert (answer.status, answer.body) == (200, b"hello")
    assert http.is_reusable


async def test_one_connection_serves_request_after_request() -> None:
    script = Script([CHUNKED, OK])
    http = AdminHttp(script)
    assert (await http.get("/a")).body == b"hello world"
    assert (await http.get("/b")).body == b"hello"
    assert script.sent.count(b"GET /") == 2


async def test_a_status_is_an_answer() -> None:
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\nDRAINING\n"
    answer = await AdminHttp(Script([refusal])).get("/ready")
    assert (answer.status, answer.body) == (503, b"DRAINING\n")


async def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    http = AdminHttp(Script([closing]))
    assert (await http.get("/ready")).body == b"hello"
    assert not http.is_reusable


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([OK[:-2], b""], "cut short"),
        ([CHUNKED[:-9], b""], "cut short"),
        ([b""], "closed before an answer came"),
        ([b"HTTP/1.1 200 OK\r\nContent-", b""], "not HTTP|closed before"),
        ([b"\x16\x03\x01 hello\r\n\r\n"], "not HTTP"),
    ],
)
async def test_half_an_answer_is_no_answer(pieces: list[bytes], words: str) -> None:
    with pytest.raises(ReadError, match=words):
        await AdminHttp(Script(pieces)).get("/ready")


@given(st.lists(st.binary(max_size=40), max_size=8))
async def test_whatever_the_other_end_says_the_answer_is_whole_or_an_error(
    pieces: list[bytes],
) -> None:
    said = []
    try:
        said.append(str((await AdminHttp(Script([*pieces, b""])).get("/ready")).status))
    except ReadError as error:
        said.append(error.reason)
    assert said[0]
    assert "\n" not in said[0]


@given(st.integers(1, len(CHUNKED) - 1))
async def test_it_does_not_matter_where_the_stream_is_cut_into_messages(size: int) -> None:
    pieces = [CHUNKED[start : start + size] for start in range(0, len(CHUNKED), size)]
    assert (await AdminHttp(Script(pieces)).get("/a")).body == b"hello world"
