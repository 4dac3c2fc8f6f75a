"""Small answers of Envoy's admin interface: certs, listeners, server_info."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.model.envoy.admin import BoundListener, CertDetails, CertInfo, ServerInfo
from meshdoctor.model.envoy.duration import duration_seconds
from meshdoctor.model.resource import as_list, as_mapping, parse_time
from meshdoctor.parse.envoy.address import read_address
from meshdoctor.parse.envoy.decoding import decode
from meshdoctor.parse.envoy.fields import Notes, integer, mappings, text
from meshdoctor.parse.envoy.sharing import shared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_SAN_KINDS = ("uri", "dns", "ip_address")


def _sans(value: object) -> tuple[str, ...]:
    names = (as_mapping(item) for item in as_list(value))
    return shared(
        tuple(name for item in names for kind in _SAN_KINDS if (name := text(item.get(kind))))
    )


@lru_cache(maxsize=256)
def _time(written: str) -> datetime | None:
    """A moment in a certificate's life, which every TLS context that holds it repeats."""
    return parse_time(written)


def _details(value: object, pointer: str, notes: Notes) -> tuple[CertDetails, ...]:
    return tuple(
        CertDetails(
            serial=text(entry.get("serial_number")),
            path=text(entry.get("path")),
            sans=_sans(entry.get("subject_alt_names")),
            days_until_expiration=integer(entry.get("days_until_expiration")),
            valid_from=_time(text(entry.get("valid_from"))),
            expiration_time=_time(text(entry.get("expiration_time"))),
            expires=text(entry.get("expiration_time")),
            pointer=at,
        )
        for at, entry in mappings(value, pointer, notes)
    )


def parse_certs(data: bytes) -> tuple[CertInfo, ...]:
    """Read ``/certs``: one entry a TLS context, so the same certificate comes many times.

    Raises:
        ParseError: it is not a JSON object.
    """
    document = decode(data, dict[str, Any], "a JSON object")
    notes = Notes()
    key = "certificates"
    return tuple(
        CertInfo(
            ca_cert=shared(_details(entry.get("ca_cert"), f"{at}/ca_cert", notes)),
            cert_chain=_details(entry.get("cert_chain"), f"{at}/cert_chain", notes),
            pointer=at,
        )
        for at, entry in mappings(document.get(key), f"/{key}", notes)
    )


def _bound(entry: Mapping[str, Any], pointer: str) -> BoundListener:
    address = read_address(entry.get("local_address"))
    return BoundListener(text(entry.get("name")), address.address, address.port, pointer)


def parse_listeners(data: bytes) -> tuple[BoundListener, ...]:
    """Read ``/listeners?format=json``.

    Raises:
        ParseError: it is not a JSON object.
    """
    document = decode(data, dict[str, Any], "a JSON object")
    key = "listener_statuses"
    return tuple(_bound(entry, at) for at, entry in mappings(document.get(key), f"/{key}", Notes()))


class _Options(msgspec.Struct):
    concurrency: Any = None
    restart_epoch: Any = 0


class _ServerInfo(msgspec.Struct):
    """The few fields worth decoding of 126 KB: the rest lists every extension of the build."""

    version: Any = ""
    state: Any = ""
    uptime_current_epoch: Any = ""
    uptime_all_epochs: Any = ""
    hot_restart_version: Any = ""
    hot_restart_initializing: Any = False
    command_line_options: _Options | None = None


def parse_server_info(data: bytes) -> ServerInfo:
    """Read ``/server_info``.

    Raises:
        ParseError: it is not a JSON object, or its options are not.
    """
    info = decode(data, _ServerInfo, "Envoy's server info")
    options = info.command_line_options or _Options()
    return ServerInfo(
        version=text(info.version),
        # LIVE is the protobuf default: an answer without the field says LIVE.
        state=text(info.state) or "LIVE",
        uptime_seconds=duration_seconds(text(info.uptime_current_epoch)),
        uptime_all_seconds=duration_seconds(text(info.uptime_all_epochs)),
        hot_restart_version=text(info.hot_restart_version),
        hot_restart_initializing=info.hot_restart_initializing is True,
        concurrency=integer(options.concurrency),
        restart_epoch=integer(options.restart_epoch) or 0,
    )
