"""The request that a person describes: who asks, for what, and with what."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.diagnose.scope import ScopeError, find_workload
from meshdoctor.diagnose.scope_error import near_matches
from meshdoctor.intent.gateway_servers import hosts_meet, servers
from meshdoctor.intent.gateways import gateway_pods
from meshdoctor.model.kinds import GATEWAY, NAMESPACE, POD, SERVICE
from meshdoctor.model.object_words import SERVICE_WORDS, is_named
from meshdoctor.model.pod import is_finished, is_gateway, is_ready
from meshdoctor.model.trace import Request
from meshdoctor.trace.destination import candidates, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

ANY_GATEWAY = "gateway"
"""What stands for the ingress gateway, whatever it is called."""
_HTTPS, _HTTP = 443, 80
_HIGHEST = 65_535
_TO = re.compile(
    r"(?:(?P<scheme>https?)://)?(?:(?P<host>[A-Za-z0-9_.-]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?].*)?",
    re.IGNORECASE | re.DOTALL,
)
"""``[http[s]://]HOST[:PORT][/path][?query]``."""


def _alive(pods: Iterable[Resource]) -> list[Resource]:
    """Pods that may ask, ready ones first."""
    return sorted(
        (pod for pod in pods if not is_finished(pod)),
        key=lambda pod: (not is_ready(pod), pod.namespace, pod.name),
    )


def _ingress(mesh: Snapshot, host: str, namespaces: tuple[str, ...]) -> Resource:
    """The gateway that serves a host; the only one where none is said to."""
    serving = [
        pod
        for gateway in mesh.catalog.of(GATEWAY)
        if any(hosts_meet(host, h) for s in servers(gateway) for h in s.plain_hosts)
        for pod in gateway_pods(mesh, gateway)
    ]
    every = [pod for pod in mesh.catalog.of(POD) if is_gateway(pod)]
    for found in (_alive(serving), _alive(every)):
        kept = [pod for pod in found if not namespaces or pod.namespace in namespaces]
        owners = {str(mesh.workloads.owning(pod)) for pod in kept}
        if len(owners) > 1:
            names = ", ".join(sorted(owners))
            raise ScopeError(f"there is more than one gateway ({names}); name one: deploy/NAME")
        if kept:
            return kept[0]
    raise ScopeError("there is no gateway's pod in what was read")


def find_client(mesh: Snapshot, text: str, host: str, namespaces: tuple[str, ...] = ()) -> Resource:
    """The pod that asks.

    Args:
        mesh: the snapshot.
        text: ``pod[.namespace]``, ``deploy/name``, or ``gateway`` for the one that serves the host.
        host: what is asked for.
        namespaces: where to look; empty for everywhere.

    Raises:
        ScopeError: nothing is called so, or it has no pod.
    """
    if text == ANY_GATEWAY:
        return _ingress(mesh, host, namespaces)
    named = [
        pod
        for pod in mesh.catalog.of(POD)
        if text in (pod.name, f"{pod.name}.{pod.namespace}")
        and (not namespaces or pod.namespace in namespaces)
    ]
    if len(named) == 1:
        return named[0]
    workload = find_workload(mesh, text, namespaces)
    pods = _alive(workload.pods)
    if not pods:
        raise ScopeError(f"{workload} has no pod that could ask")
    return pods[0]


def parse_claims(text: str) -> dict[str, str]:
    """Claims of a token: a JSON object, or ``iss=...,sub=...``.

    Raises:
        ScopeError: it is neither.
    """
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise ScopeError(f"{text} is not a JSON object of claims") from None
        return {
            str(key): ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in found.items()
        }
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    if not pairs or not all(found for _, found, _ in pairs):
        raise ScopeError(f"{text} is not a list of claims: write iss=ISSUER,sub=SUBJECT, or JSON")
    return {key.strip(): value.strip() for key, _, value in pairs}


def parse_headers(lines: Iterable[str]) -> dict[str, str]:
    """Headers as curl takes them, by lower-case name.

    Raises:
        ScopeError: one has no colon.
    """
    found = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ScopeError(f"{line!r} is no header: write 'NAME: VALUE'")
        found[name.strip().lower()] = value.strip()
    return found


def _split(to: str) -> tuple[str, int | None, str, bool]:
    """Host, port if given, path with its query, and whether it is https."""
    found = _TO.fullmatch(to.strip())
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (port is not None and not 0 < port <= _HIGHEST):
        raise ScopeError(f"{to} is no destination: write HOST[:PORT][/path]")
    scheme = (found["scheme"] or "").lower()
    path = (found["path"] or "/").partition("#")[0]
    tls = scheme == "https" or (not scheme and port == _HTTPS)
    return (
        (found["host"] or found["six"]).lower(),
        port,
        path if path[:1] == "/" else f"/{path}",
        tls,
    )


def _check_is_there(mesh: Snapshot, host: str, client: Resource) -> None:
    """Refuse a name that only the cluster's DNS could know, and does not."""
    inside = host.endswith((".svc", f".svc.{mesh.registry.domain}"))
    spaces = {item.name for item in mesh.catalog.of(NAMESPACE)}
    labels = host.split(".")
    if ":" in host or not mesh.catalog.known(SERVICE):
        return
    if not inside and len(labels) > 1 and not (len(labels) == 2 and labels[1] in spaces):
        return
    if any(mesh.registry.find(name) for name in candidates(mesh, host, client.namespace)):
        return
    names = {
        item.host.removesuffix(f".svc.{mesh.registry.domain}")
        for item in mesh.registry.hosts
        if item.is_kubernetes
    }
    short = host.removesuffix(f".{mesh.registry.domain}").removesuffix(".svc")
    raise ScopeError(f"no host called {host} is in what was read{near_matches(short, names)}")


def _of_service(mesh: Snapshot, to: str, client_namespace: str) -> str:
    """``svc/name[.namespace][:port][/path]`` with a host in its place.

    Raises:
        ScopeError: there is no such Service, it has no such port, or several are called so.
    """
    authority, slash, path = to.strip().partition("/")[2].partition("/")
    name, colon, port = authority.partition(":")
    services = [item for item in mesh.registry.hosts if item.is_kubernetes]
    found = [s for s in services if is_named(name, s.resource.name, s.namespace)]
    found = [s for s in found if s.namespace == client_namespace] or found
    if not found:
        known = (f"{item.resource.name}.{item.namespace}" for item in services)
        raise ScopeError(f"no Service called {name} is in what was read{near_matches(name, known)}")
    if len(found) > 1:
        places = ", ".join(sorted(item.namespace for item in found))
        raise ScopeError(
            f"svc/{name} is in more than one namespace ({places}): svc/{name}.NAMESPACE"
        )
    service = found[0]
    numbers = [str(item.number) for item in service.ports if port in (str(item.number), item.name)]
    if colon and not numbers:
        there = ", ".join(str(item.number) for item in service.ports)
        raise ScopeError(f"{service.resource} has no port {port}; it has {there}")
    host = f"{service.resource.name}.{service.namespace}"
    return f"{host}{colon}{numbers[0] if colon else ''}{slash}{path}"


def build_request(
    mesh: Snapshot,
    source: str,
    to: str,
    *,
    namespaces: tuple[str, ...] = (),
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    claims: Mapping[str, str] | None = None,
    no_token: bool = False,
) -> Request:
    """The request that a person describes.

    Args:
        mesh: the snapshot.
        source: who asks, as ``find_client`` takes it.
        to: ``[http[s]://]HOST[:PORT][/path]``, or ``svc/NAME[.NAMESPACE][:PORT][/path]``; without
            a port the Service's only one, else the scheme's.
        namespaces: where to look for who asks.
        method: HTTP method.
        headers: by lower-case name.
        claims: of the token that comes with it.
        no_token: whether it is known that none does.

    Raises:
        ScopeError: the client or the host is not there, or ``to`` cannot be read.
    """
    kind, slash, _ = to.strip().partition("/")
    is_service = bool(slash) and kind.lower() in SERVICE_WORDS
    host, port, path, tls = ("", None, "", False) if is_service else _split(to)
    client = find_client(mesh, source, host, namespaces)
    if is_service:
        host, port, path, tls = _split(_of_service(mesh, to, client.namespace))
    from_gateway = is_gateway(client)
    if not from_gateway:
        _check_is_there(mesh, host, client)
    request = Request(
        client=client,
        host=host,
        port=port or (_HTTPS if tls else _HTTP),
        path=path,
        method=method.upper(),
        headers=dict(headers or {}),
        claims=dict(claims or {}),
        has_token=True if claims else (False if no_token else None),
        from_gateway=from_gateway,
        tls=tls,
    )
    if port is None and not from_gateway:
        service = resolve(mesh, request).service
        ports = [item.number for item in service.ports] if service else []
        if len(ports) == 1:
            return replace(request, port=ports[0])
    return request
