"""The ServiceEntry that was meant to let a call out and does not quite fit it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.nearest_labels import likeness
from meshdoctor.analyze.stray_calls import was_served
from meshdoctor.intent.visibility import Sight, sees
from meshdoctor.model.kinds import SERVICE_ENTRY
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from meshdoctor.analyze.client_attempts import Attempt
    from meshdoctor.intent.visibility import View
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_ALIKE = 0.8
"""Hosts at least this similar may be one another's misspelling."""
_HTTP = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-WEB"})
_TLS = frozenset({"TLS", "HTTPS"})


@dataclass(frozen=True, slots=True)
class Near:
    """A ServiceEntry that nearly fits, and what does not."""

    entry: Resource
    text: str
    """What does not fit, in a clause."""
    evidence: tuple[Evidence, ...]
    command: str
    undo: str


def protocol_of(attempt: Attempt) -> str:
    """What the client speaks, as a ServiceEntry names it: HTTP, TLS or TCP."""
    if attempt.strays is not None:
        newest = attempt.strays.newest
        if newest.method:
            return "HTTP"
        return "TLS" if newest.sni or attempt.port == 443 else "TCP"
    scheme = attempt.named.scheme if attempt.named else ""
    return {"http": "HTTP", "https": "TLS"}.get(scheme, "TCP")


def port_name(attempt: Attempt) -> str:
    """A name for the port that says the protocol, as Istio's port names do."""
    return f"{protocol_of(attempt).lower()}-{attempt.port}"


def _port_missing(attempt: Attempt, found: ServiceHost) -> Near:
    entry, known = found.resource, [port.number for port in found.ports]
    wanted = {"number": attempt.port, "name": port_name(attempt), "protocol": protocol_of(attempt)}
    ports = as_list(entry.spec.get("ports"))
    forth, back = replace_value(entry, ("spec", "ports"), [*ports, wanted])
    said = ", ".join(map(str, known)) or "none"
    text = f"{entry} has {found.host} with port {said}, not {attempt.port}"
    return Near(entry, text, (entry.evidence("spec", "ports"),), forth, back)


def _wrong_protocol(attempt: Attempt, found: ServiceHost) -> Near | None:
    """A port whose declared protocol is not the one that the client speaks."""
    port = found.port(attempt.port) if attempt.port is not None else None
    if port is None or attempt.strays is None:
        return None
    declared, spoken = port.protocol.upper(), protocol_of(attempt)
    fits = {"HTTP": _HTTP, "TLS": _TLS}.get(spoken)
    if fits is None or declared in fits:
        return None
    path = ("spec", "ports", port.index, "protocol")
    forth, back = replace_value(found.resource, path, spoken)
    text = f"{found.resource} declares port {port.number} as {declared}, and the client speaks "
    return Near(found.resource, text + spoken, (found.resource.evidence(*path),), forth, back)


def _is_alike(host: str, wanted: str) -> bool:
    bare = host.removeprefix("*.")
    if wanted.endswith(f".{bare}") or bare.endswith(f".{wanted}") or bare == wanted:
        return True
    return likeness(bare, wanted) >= _ALIKE


def _host_alike(mesh: Snapshot, attempt: Attempt) -> Near | None:
    """The entry with the host most alike, which nobody reaches by that name."""
    candidates = [
        (-likeness(item.host, attempt.host), item.host, str(item.resource), item)
        for item in mesh.registry.hosts
        if item.resource.kind is SERVICE_ENTRY
        and _is_alike(item.host, attempt.host)
        and not was_served(mesh, item.host)
        and sees(mesh, attempt.pod, item.host).sight is Sight.SEEN
    ]
    if not candidates:
        return None
    found = min(candidates, key=lambda item: item[:3])[3]
    entry = found.resource
    index = as_list(entry.spec.get("hosts")).index(found.host)
    forth, back = replace_value(entry, ("spec", "hosts", index), attempt.host)
    text = f"{entry} is for {found.host}, not for {attempt.host}"
    return Near(entry, text, (entry.evidence("spec", "hosts", index),), forth, back)


def near_entry(mesh: Snapshot, attempt: Attempt, view: View) -> Near | None:
    """The ServiceEntry to correct so that a call gets out; None when there is none.

    Args:
        mesh: the snapshot.
        attempt: who calls what.
        view: what the client's proxy sees of it: SEEN where an entry has host and port.
    """
    having = [
        item
        for item in mesh.registry.find(attempt.host)
        if item.resource.kind is SERVICE_ENTRY
        and sees(mesh, attempt.pod, item.host).sight is Sight.SEEN
    ]
    if view.sight is Sight.SEEN:
        return next((n for item in having if (n := _wrong_protocol(attempt, item))), None)
    if having and attempt.port is not None:
        return _port_missing(attempt, having[0])
    return _host_alike(mesh, attempt)
