"""ztunnel's ``/config_dump``: one section at a time, each entry reduced as it is read.

Workloads, services, policies and workload states are lists or maps, by version (ztunnel
src/admin.rs; maps before 1.23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.resource import as_list, as_mapping, parse_time
from meshdoctor.model.ztunnel import (
    ZtunnelCertificate,
    ZtunnelDump,
    ZtunnelPod,
    ZtunnelPolicy,
    ZtunnelService,
    ZtunnelWorkload,
)
from meshdoctor.parse.documents import decode_json
from meshdoctor.parse.envoy.decoding import decode
from meshdoctor.parse.envoy.sharing import open_pool
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MOST_ERRORS = 20


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in as_list(value) if isinstance(item, str))


def _waypoint(item: Mapping[str, Any]) -> str:
    return _text(as_mapping(item.get("waypoint")).get("destination"))


def _workload(item: Mapping[str, Any], pointer: str) -> ZtunnelWorkload:
    return ZtunnelWorkload(
        uid=_text(item.get("uid")),
        name=_text(item.get("name")),
        namespace=_text(item.get("namespace")),
        ips=_texts(item.get("workloadIps")),
        protocol=_text(item.get("protocol")),
        node=_text(item.get("node")),
        status=_text(item.get("status")),
        waypoint=_waypoint(item),
        policies=_texts(item.get("authorizationPolicies")),
        pointer=pointer,
    )


def _service(item: Mapping[str, Any], pointer: str) -> ZtunnelService:
    endpoints = item.get("endpoints")
    return ZtunnelService(
        name=_text(item.get("name")),
        namespace=_text(item.get("namespace")),
        hostname=_text(item.get("hostname")),
        vips=tuple(vip.rpartition("/")[2] for vip in _texts(item.get("vips"))),
        waypoint=_waypoint(item),
        endpoints=len(endpoints) if isinstance(endpoints, dict | list) else 0,
        pointer=pointer,
    )


def _policy(item: Mapping[str, Any], pointer: str) -> ZtunnelPolicy:
    return ZtunnelPolicy(
        name=_text(item.get("name")),
        namespace=_text(item.get("namespace")),
        scope=_text(item.get("scope")),
        action=_text(item.get("action")),
        rules=len(as_list(item.get("rules"))),
        pointer=pointer,
    )


def _certificate(item: Mapping[str, Any], pointer: str) -> ZtunnelCertificate:
    chain = as_list(item.get("certChain"))
    own = as_mapping(chain[0]) if chain else {}
    # Before rootCerts there was one list, the root last.
    roots = as_list(item.get("rootCerts")) or chain[1:][-1:]
    state = item.get("state")
    return ZtunnelCertificate(
        identity=_text(item.get("identity")),
        state=state if isinstance(state, str) else str(next(iter(as_mapping(state)), "")),
        valid_from=parse_time(own.get("validFrom")),
        expires=parse_time(own.get("expirationTime")),
        roots=tuple(_text(as_mapping(root).get("serialNumber")) for root in roots),
        pointer=pointer,
    )


def _pod(item: Mapping[str, Any], pointer: str, uid: str) -> ZtunnelPod:
    info = as_mapping(item.get("info"))
    return ZtunnelPod(
        uid=uid,
        name=_text(info.get("name")),
        namespace=_text(info.get("namespace")),
        state=_text(item.get("state")),
        pointer=pointer,
    )


def _entries(raw: msgspec.Raw) -> Iterator[tuple[str, msgspec.Raw]]:
    """Each entry of a list or a map, with its key.

    Raises:
        ParseError: it is neither.
    """
    begins = bytes(memoryview(raw)[:1])
    if begins == b"{":
        yield from decode(raw, dict[str, msgspec.Raw], "an object").items()
    elif begins != b"n":
        items = decode(raw, list[msgspec.Raw], "a list")
        yield from ((str(index), item) for index, item in enumerate(items))


class _Reading:
    """What has been read of a dump so far."""

    def __init__(self, sections: dict[str, msgspec.Raw]) -> None:
        self.errors: list[str] = []
        self.pool = open_pool()
        self._sections = {name.lower(): (name, raw) for name, raw in sections.items()}

    def _fail(self, pointer: str, error: object) -> None:
        if len(self.errors) < _MOST_ERRORS:
            self.errors.append(f"{pointer}: {error}")

    def section(
        self, name: str, read: Callable[..., Any], *, keyed: bool = False
    ) -> tuple[Any, ...]:
        """The entries of one section; what is garbled is left out and noted."""
        found = self._sections.get(name.lower())
        if found is None:
            return ()
        base = f"/{found[0]}"
        kept: list[Any] = []
        try:
            for key, raw in _entries(found[1]):
                self._entry(kept, read, join_pointer(base, (key,)), raw, (key,) if keyed else ())
        except ParseError as error:
            self._fail(base, error)
        return tuple(kept)

    def _entry(
        self,
        kept: list[Any],
        read: Callable[..., Any],
        pointer: str,
        raw: msgspec.Raw,
        more: tuple[str, ...],
    ) -> None:
        try:
            item = decode_json(bytes(raw))
        except ParseError as error:
            self._fail(pointer, error)
            return
        if not isinstance(item, dict):
            self._fail(pointer, "not an object")
            return
        kept.append(self.pool.part(read(item, pointer, *more)))

    def version(self) -> str:
        """The Istio version that ztunnel was built as, or its revision."""
        found = self._sections.get("version")
        if found is None:
            return ""
        try:
            said = as_mapping(decode_json(bytes(found[1])))
        except ParseError:
            return ""
        return _text(said.get("istioVersion")) or _text(said.get("version"))


def parse_ztunnel_dump(data: bytes) -> ZtunnelDump:
    """Read a ztunnel's config dump.

    A section or entry that is garbled is left out and named in ``errors``.

    Args:
        data: the answer of ``/config_dump``.

    Raises:
        ParseError: it is not a JSON object.
    """
    reading = _Reading(decode(data, dict[str, msgspec.Raw], "a ztunnel config dump"))
    return ZtunnelDump(
        workloads=reading.section("workloads", _workload),
        services=reading.section("services", _service),
        policies=reading.section("policies", _policy),
        certificates=reading.section("certificates", _certificate),
        pods=reading.section("workloadState", _pod, keyed=True),
        version=reading.version(),
        errors=tuple(reading.errors),
        _shared=reading.pool,
    )
