"""The fixture that keeps tests offline does keep them offline."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_NOWHERE = ("127.0.0.1", 9)


def datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", _NOWHERE)


def stream() -> None:
    with socket.socket() as client:
        client.connect_ex(_NOWHERE)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(_NOWHERE, timeout=1),
        lambda: socket.getaddrinfo("localhost", 9),
        datagram,
        stream,
    ],
    ids=["connection", "name look-up", "datagram", "stream"],
)
def test_whatever_reaches_out_fails_the_test(reach: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match="needs no network"):
        reach()
