"""A refusal that neither an EnvoyFilter nor a token rule nor a gateway's certificate explains.

What is left: a proxy that lacks something istiod's configuration uses, because it is older than
its istiod or another build, or configuration that contradicts itself. Envoy's reason tells which.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, proxy_subject, silent, unread
from meshdoctor.analyze.envoy_filter_scope import GATEWAY_NAME
from meshdoctor.analyze.sync_connections import connections
from meshdoctor.analyze.upgrade_version import istiod_version, proxy_version
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import ENVOY_FILTER, KUBERNETES_GATEWAY, POD, REQUEST_AUTHENTICATION
from meshdoctor.model.pod import PROXY_CONTAINER, container_path, is_gateway
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from meshdoctor.analyze.sync_rejections import Rejection
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

REFUSED = "MD0411"
"""A proxy refuses its configuration, and no EnvoyFilter explains it."""

_MOST = 6
"""So many objects are named at most."""
_LACKS = re.compile(
    r"registered implementation|does not have an object factory|could not find @type"
    r"|(?:no such|unknown|cannot find) field|has unknown fields|Unable to (?:parse|unpack)",
    re.IGNORECASE,
)
_TOKENS = re.compile(r"jwt_authn|jwks", re.IGNORECASE)
_TLS = re.compile(
    r"KEY_VALUES_MISMATCH|[Ff]ailed to load (?:incomplete |)(?:private key|certificate|trusted CA)"
    r"|[Ii]nvalid TLS context|tls_certificate"
)
_CLASH = re.compile(
    r"duplicate|multiple filter chains|overlapping|already in use|cannot bind|has already"
    r"|update is not allowed",
    re.IGNORECASE,
)
_NAMES = re.compile(r"(?:update\S*\s+|^|\n)[\w.:|*-]+: ")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a proxy's reason amounts to, and the mend."""

    why: str
    do: str


_OLD = Kind(
    "the proxy is older than its istiod and does not know what istiod now sends",
    "Restart the workload, so that its new pods get the proxy of their istiod's version.",
)
_BUILD = Kind(
    "the proxy's build lacks an extension that istiod's configuration uses: its image is not the "
    "proxy of this Istio release",
    "Take the proxy image of istiod's own release (hub, tag and any image override), and restart.",
)
_MATERIAL = Kind(
    "a certificate or key in it cannot be loaded",
    "Look at the certificates the proxy is sent, mend the Secret, and restart.",
)
_CONFLICT = Kind(
    "two parts of it contradict each other",
    "Find the objects that define what the reason names, mend one, and restart if it stays.",
)
_OTHER = Kind(
    "Envoy does not take what the reason names",
    "Find the object that brings in what the reason names, mend it, and restart if it stays.",
)


def _pod(mesh: Snapshot, proxy_id: str) -> Resource | None:
    name, _, namespace = proxy_id.rpartition(".")
    return mesh.catalog.find(POD, namespace, name)


def workload_text(mesh: Snapshot, proxy_id: str) -> str:
    """What runs a proxy; its pod where that is not known."""
    pod = _pod(mesh, proxy_id)
    if pod is not None:
        return str(mesh.workloads.owning(pod))
    name, _, namespace = proxy_id.rpartition(".")
    return object_text(POD.name, namespace, name)


def belongs_elsewhere(mesh: Snapshot, rejection: Rejection) -> bool:
    """Whether the reason speaks of what another cause is about: token keys, a gateway's secret."""
    if _TOKENS.search(rejection.reason):
        policies = mesh.catalog.of(REQUEST_AUTHENTICATION)
        return bool(policies) or not mesh.catalog.known(REQUEST_AUTHENTICATION)
    pod = _pod(mesh, rejection.proxy_id)
    gateway = pod is None or is_gateway(pod)
    return gateway and (rejection.type == "SDS" or _TLS.search(rejection.reason) is not None)


def refusal(rejection: Rejection) -> Fact:
    """That a proxy refuses its configuration, in its own words."""
    fact = "proxy-rejects-configuration"
    text = f"{rejection.proxy_id} refuses the {rejection.type} that istiod sends: {rejection.brief}"
    if rejection.confirmed:
        return holds(fact, text, *rejection.evidence)
    return unread(fact, f"Only a log line says that {text}")


def _versions(mesh: Snapshot, proxy_id: str) -> tuple[bool, str, tuple[Evidence, ...]]:
    """Whether a proxy is older than its istiod; both versions in words, and where they stand."""
    connection = connections(mesh).get(proxy_id)
    proxy = proxy_version(_pod(mesh, proxy_id), mesh.proxies.get(proxy_id), connection)
    if connection is None or proxy is None:
        return False, "", ()
    istiod = istiod_version(mesh, connection.istiod.namespace, connection.istiod.pod)
    if istiod is None:
        return False, "", ()
    text = f"{proxy_id} runs {proxy.version.text}, its istiod {istiod.version.text}"
    older = proxy.version.is_older_than(istiod.version)
    return older, text, (proxy.evidence, istiod.evidence)


def _kind(rejection: Rejection, *, older: bool) -> Kind:
    if _LACKS.search(rejection.reason):
        return _OLD if older else _BUILD
    if _TLS.search(rejection.reason):
        return _MATERIAL
    if older:
        return _OLD
    return _CONFLICT if _CLASH.search(rejection.reason) else _OTHER


def _image(pod: Resource | None) -> tuple[Fact, ...]:
    path = container_path(pod, PROXY_CONTAINER) if pod else None
    if pod is None or path is None:
        return ()
    image = pod.evidence(*path, "image")
    return (holds("proxy-image", f"Its proxy's image is {image.excerpt}", image),)


def _gateway_object(mesh: Snapshot, pod: Resource | None) -> tuple[str, ...]:
    """The Gateway that a gateway or waypoint pod was made for."""
    name = pod.labels.get(GATEWAY_NAME) if pod else None
    if pod is None or not name:
        return ()
    found = mesh.catalog.find(KUBERNETES_GATEWAY, pod.namespace, name)
    return (str(found or object_text(KUBERNETES_GATEWAY.name, pod.namespace, name)),)


def _restart_command(workload: str) -> str:
    kind, _, rest = workload.partition(" ")
    namespace, _, name = rest.partition("/")
    if kind == POD.name:
        return f"kubectl delete pod {name} -n {namespace}"
    return f"kubectl rollout restart {kind.lower()}/{name} -n {namespace}"


def _no_envoy_filter(mesh: Snapshot, candidates: Sequence[Resource], rejection: Rejection) -> Fact:
    fact = "no-envoyfilter-explains-it"
    if candidates:
        names = ", ".join(str(item) for item in candidates[:3])
        text = f"{names} patches the {rejection.type} of this proxy, and the reason names no part"
        return silent(fact, text, candidates[0].evidence("metadata", "name"))
    text = f"No EnvoyFilter patches the {rejection.type} of {rejection.proxy_id}"
    return holds(fact, text, *rejection.evidence[:1])


def same_reason(rejection: Rejection) -> tuple[str, str]:
    """What two proxies must share to suffer from one fault: the type, and the reason's words."""
    return rejection.type, _NAMES.sub(" ", rejection.brief)[:120]


def workloads_by_reason(
    mesh: Snapshot, refused: Iterable[Rejection]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """For each reason, the workloads that refuse for it, each with its Gateway; six at most.

    Whoever refuses for one reason suffers from one fault, so that all name the same first object.
    """
    found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for item in refused:
        names = found[same_reason(item)]
        if len(names) < _MOST:
            gateway = _gateway_object(mesh, _pod(mesh, item.proxy_id))
            names |= dict.fromkeys((workload_text(mesh, item.proxy_id), *gateway))
    return {reason: tuple(names)[:_MOST] for reason, names in found.items()}


def _unexplained(
    mesh: Snapshot,
    rejection: Rejection,
    candidates: Sequence[Resource],
    alike: Sequence[str],
) -> Finding:
    workload = workload_text(mesh, rejection.proxy_id)
    older, versions, shown = _versions(mesh, rejection.proxy_id)
    kind = _kind(rejection, older=older)
    objects = tuple(alike) or (workload,)
    fault = not belongs_elsewhere(mesh, rejection)
    facts = [refusal(rejection), _no_envoy_filter(mesh, candidates, rejection)]
    if versions:
        facts.append(holds("versions-beside-each-other", versions, *shown))
    facts += _image(_pod(mesh, rejection.proxy_id))
    own = bool(_LACKS.search(rejection.reason) or _TOKENS.search(rejection.reason))
    named = objects if own else (*objects, *(str(item) for item in candidates))
    return Finding(
        code=REFUSED,
        subject=proxy_subject(rejection.proxy_id),
        outcome=Outcome.FAIL if fault else Outcome.WARN,
        message=f"{rejection.proxy_id} refuses its {rejection.type} and goes on with what it "
        f"had before, if anything: {rejection.brief}",
        resource=workload,
        objects=tuple(dict.fromkeys(named))[:_MOST] if fault else (workload,),
        facts=tuple(facts),
        affected=(Affected(workload, ""),),
        root=fault,
        fills={
            "proxy": rejection.proxy_id,
            "type": rejection.type,
            "reason": rejection.brief,
            "why": kind.why,
            "do": kind.do,
            "restart": _restart_command(objects[0]),
        },
    )


def unexplained(
    mesh: Snapshot,
    rejection: Rejection,
    candidates: Sequence[Resource],
    alike: Sequence[str],
) -> Iterator[Finding]:
    """What is said of a refusal that no EnvoyFilter is certainly behind.

    Args:
        mesh: the snapshot.
        rejection: the refusal.
        candidates: EnvoyFilters that patch the refused type on this proxy.
        alike: the workloads that refuse for the same reason, see ``workloads_by_reason``.
    """
    needs = mesh.catalog.unread(ENVOY_FILTER)
    if needs:
        message = f"Why {rejection.proxy_id} refuses its {rejection.type} is not known"
        resource = workload_text(mesh, rejection.proxy_id)
        subject = proxy_subject(rejection.proxy_id)
        yield Finding(REFUSED, subject, Outcome.UNKNOWN, message, resource, needs=needs)
    elif rejection.confirmed:
        yield _unexplained(mesh, rejection, candidates, alike)
