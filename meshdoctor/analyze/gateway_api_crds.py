"""Are the Gateway API's CRDs new enough for istiod to read what is made of them?

istiod ignores CRDs below a release of the Gateway API without a word but one in its log, so that
objects of these kinds get no status and have no effect (pkg/kube/kclient/crdwatcher.go; IST0176).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent
from meshdoctor.analyze.istio_crds import (
    BUNDLE,
    FIRST_WITH_V1,
    gateway_api_crds,
    ignored_below,
    is_before_v1,
    newest_minor,
)
from meshdoctor.intent.control_plane import ready_istiods
from meshdoctor.intent.gateway_api import is_answered, is_istios_route, istios_gateways
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import (
    GATEWAY_CLASS,
    GRPC_ROUTE,
    HTTP_ROUTE,
    KUBERNETES_GATEWAY,
    TLS_ROUTE,
)
from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

TOO_OLD = "MD0455"
"""A CRD of the Gateway API is too old for istiod."""

_KINDS = {
    "gateways": KUBERNETES_GATEWAY,
    "httproutes": HTTP_ROUTE,
    "grpcroutes": GRPC_ROUTE,
    "tlsroutes": TLS_ROUTE,
}
_READ_BY_ALL = ("gateways", "httproutes")
"""istiod has no lower bound for these; of a bundle before v1 they may be in no version it reads."""


@dataclass(frozen=True, slots=True)
class _Old:
    """A CRD that is too old, and what is made of it."""

    plural: str
    crd: Resource
    needs: str
    objects: tuple[Resource, ...]
    listeners: tuple[tuple[Resource, int], ...]
    """Gateways and listeners that wait for TLSRoutes."""

    @property
    def kind(self) -> str:
        """The kind it defines."""
        return _KINDS[self.plural].name if self.plural in _KINDS else self.plural

    @property
    def bundle(self) -> str:
        """Which release of the Gateway API it is of, in words."""
        said = self.crd.annotations.get(BUNDLE)
        return f"of release {said}" if said else "of no release that it names"

    @property
    def is_used(self) -> bool:
        """Whether something in the mesh depends on it."""
        return bool(self.objects or self.listeners)


def _objects(mesh: Snapshot, plural: str) -> tuple[Resource, ...]:
    if plural == "gateways":
        return istios_gateways(mesh)
    kind = _KINDS.get(plural)
    items = mesh.catalog.of(kind) if kind else ()
    return tuple(item for item in items if is_istios_route(mesh, item))


def _waiting_listeners(mesh: Snapshot) -> Iterator[tuple[Resource, int]]:
    """Listeners that pass TLS through, which only a TLSRoute can route, without any route."""
    for gateway in istios_gateways(mesh):
        attached = {
            entry.get("name"): entry.get("attachedRoutes")
            for entry in map(as_mapping, as_list(gateway.status.get("listeners")))
        }
        for index, listener in enumerate(map(as_mapping, as_list(gateway.spec.get("listeners")))):
            mode = as_mapping(listener.get("tls")).get("mode")
            passes = listener.get("protocol") == "TLS" and mode == "Passthrough"
            if passes and not attached.get(listener.get("name")):
                yield gateway, index


def _old_crds(mesh: Snapshot, minor: int) -> Iterator[_Old]:
    for plural, crd in sorted(gateway_api_crds(mesh).items()):
        needs = ignored_below(plural, crd, minor)
        objects = _objects(mesh, plural)
        if needs is not None:
            # One that has a status was read: its CRD was newer until a moment ago.
            objects = tuple(item for item in objects if not is_answered(item))
            listeners = tuple(_waiting_listeners(mesh)) if plural == "tlsroutes" else ()
            yield _Old(plural, crd, needs, objects, listeners)
        elif plural in _READ_BY_ALL and is_before_v1(crd) and ready_istiods(mesh):
            ignored = tuple(item for item in objects if not is_answered(item))
            if ignored:
                yield _Old(plural, crd, FIRST_WITH_V1, ignored, ())


def _istiod_evidence(mesh: Snapshot) -> tuple[Evidence, ...]:
    planes = control_planes(mesh)
    for name in sorted(planes):
        for item in (*planes[name].pods, *planes[name].deployments):
            path: tuple[str | int, ...] = ("spec", "containers", 0, "image")
            if item.get(*path) is None:
                path = ("spec", "template", *path)
            return (item.evidence(*path),)
    return ()


def _age_fact(mesh: Snapshot, old: _Old) -> Fact:
    text = f"{old.crd} is {old.bundle}; this istiod ignores it below {old.needs}"
    shown = old.crd.evidence("metadata", "annotations", BUNDLE)
    return holds("crd-is-too-old", text, shown, *_istiod_evidence(mesh))


def _use_facts(old: _Old) -> tuple[Fact, ...]:
    if old.objects:
        names = ", ".join(str(item) for item in old.objects[:4])
        used = [item.evidence("metadata", "name") for item in old.objects[:2]]
        written = [item.evidence("status") for item in old.objects[:2]]
        return (
            holds("kind-is-in-use", f"In use: {names}", *used),
            holds("istiod-gives-no-status", f"istiod wrote no status on {names}", *written),
        )
    gateway, index = old.listeners[0]
    text = f"A listener of {gateway} passes TLS through, which only a TLSRoute can route"
    shown = gateway.evidence("spec", "listeners", index, "tls", "mode")
    counted = gateway.evidence("status", "listeners")
    return (
        holds("kind-is-in-use", text, shown),
        silent(
            "istiod-gives-no-status", f"No route is attached to that listener of {gateway}", counted
        ),
    )


def _hosts(old: _Old) -> tuple[str, ...]:
    names: list[str] = []
    for item in old.objects:
        names += [name for name in as_list(item.spec.get("hostnames")) if isinstance(name, str)]
    for gateway, index in old.listeners:
        listener = as_strings(gateway.get("spec", "listeners", index))
        names += [listener["hostname"]] if "hostname" in listener else []
    return tuple(dict.fromkeys(names))


def _finding(mesh: Snapshot, old: _Old, minor: int) -> Finding:
    others = [str(item) for item in (*old.objects, *(gateway for gateway, _ in old.listeners))]
    used = old.is_used
    tail = (
        f"nothing of {', '.join(dict.fromkeys(others))} is in force" if used else "none is in use"
    )
    return Finding(
        code=TOO_OLD,
        subject=f"definition {old.crd.name}",
        outcome=Outcome.FAIL if used else Outcome.WARN,
        message=f"{old.crd} is {old.bundle}, and Istio 1.{minor} ignores it below {old.needs}: "
        f"{tail}",
        resource=str(old.crd),
        objects=tuple(dict.fromkeys((str(old.crd), *others)))[:6],
        facts=(_age_fact(mesh, old), *(_use_facts(old) if used else ())),
        affected=tuple(Affected("", host) for host in _hosts(old)) if used else (),
        severity=None if used else Severity.INFO,
        root=used,
        fills={
            "kinds": old.kind,
            "bundle": old.bundle,
            "needs": old.needs,
            "istio": f"1.{minor}",
            "ignored": ", ".join(dict.fromkeys(others)),
            "channel": _channel(old.crd),
        },
    )


def _channel(crd: Resource) -> str:
    """The channel to install from: TLSRoute was experimental before v1.5."""
    said = crd.annotations.get("gateway.networking.k8s.io/channel")
    return said if said in ("standard", "experimental") else "standard"


def _undecided(mesh: Snapshot, old: _Old) -> tuple[str, ...]:
    """Inputs without which it cannot be told whether anything depends on an old CRD."""
    kind = _KINDS.get(old.plural)
    # Few recorders read TLSRoutes: what is seen of the listeners decides.
    kinds = (KUBERNETES_GATEWAY,) if kind in (None, TLS_ROUTE) else (kind, KUBERNETES_GATEWAY)
    return mesh.catalog.unread(*(item for item in kinds if item))


@dataclass(frozen=True, slots=True)
class GatewayApiCurrent:
    """The Gateway API's CRDs are new enough for istiod."""

    name: str = "gateway-api-current"
    description: str = "istiod reads every kind of the Gateway API that is in use."
    inputs: tuple[str, ...] = (
        KUBERNETES_GATEWAY.input,
        GATEWAY_CLASS.input,
        HTTP_ROUTE.input,
        GRPC_ROUTE.input,
        TLS_ROUTE.input,
    )
    codes: tuple[str, ...] = (TOO_OLD,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each CRD that istiod ignores, and one for each that is in use."""
        minor = newest_minor(mesh)
        if minor is None or not control_planes(mesh):
            return
        old = {item.plural: item for item in _old_crds(mesh, minor)}
        for item in old.values():
            needs = () if item.is_used else _undecided(mesh, item)
            if needs:
                message = (
                    f"Whether anything is made of {item.crd}, which istiod ignores, is unknown"
                )
                subject = f"definition {item.crd.name}"
                outcome = Outcome.UNKNOWN
                yield Finding(TOO_OLD, subject, outcome, message, str(item.crd), needs=needs)
            else:
                yield _finding(mesh, item, minor)
        for plural, crd in gateway_api_crds(mesh).items():
            if plural not in old and _objects(mesh, plural):
                message = f"{crd} is new enough for Istio 1.{minor}"
                shown = crd.evidence("metadata", "annotations", BUNDLE)
                facts = (holds("crd-is-new-enough", message, shown),)
                subject = f"definition {crd.name}"
                yield Finding(TOO_OLD, subject, Outcome.PASS, message, str(crd), facts=facts)


ANALYZER = GatewayApiCurrent()
