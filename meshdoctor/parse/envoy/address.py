"""Envoy addresses: sockets, pipes and internal listeners."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.fields import integer, text

if TYPE_CHECKING:
    from collections.abc import Mapping


class Address(NamedTuple):
    """An address taken apart."""

    address: str
    port: int
    via: str
    """Internal listener, for an address behind one."""


NOWHERE = Address("", 0, "")


def read_address(value: object) -> Address:
    """Read a ``core.v3.Address``; an unknown kind has an empty address."""
    address: Mapping[str, Any] = as_mapping(value)
    socket = address.get("socket_address")
    if isinstance(socket, dict):
        return Address(text(socket.get("address")), integer(socket.get("port_value")) or 0, "")
    pipe = address.get("pipe")
    if isinstance(pipe, dict):
        return Address(text(pipe.get("path")), 0, "")
    internal = address.get("envoy_internal_address")
    if isinstance(internal, dict):
        via = text(internal.get("server_listener_name"))
        host, _, port = text(internal.get("endpoint_id")).rpartition(":")
        number = integer(port)
        if host and number is not None:
            return Address(intern(host), number, via)
        return Address(text(internal.get("endpoint_id")), 0, via)
    return NOWHERE
