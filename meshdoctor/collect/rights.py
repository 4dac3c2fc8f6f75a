"""What meshdoctor asks of an API server: one table, read by ``check``, ``rbac`` and the docs.

A request is authorized by verb, API group, resource and subresource (Kubernetes, "Authorization
overview"). A WebSocket is a GET, so port-forward and exec are authorized as ``get``; since
Kubernetes 1.35 the API server asks for ``create`` too (the feature gate
AuthorizePodWebsocketUpgradeCreatePermission), as it always did for the POST that other clients
send. Both are therefore asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from meshdoctor.collect.rights_reasons import REASONS, Reason
from meshdoctor.model import kinds
from meshdoctor.model.kinds import Kind

CLUSTER_SCOPED = frozenset(
    {
        kinds.NAMESPACE,
        kinds.NODE,
        kinds.MUTATING_WEBHOOK,
        kinds.VALIDATING_WEBHOOK,
        kinds.CRD,
        kinds.GATEWAY_CLASS,
    }
)
"""Kinds whose objects are in no namespace: only a ClusterRole can grant them."""


class Use(StrEnum):
    """What a right is for; a variant of the role leaves some of them out."""

    OBJECTS = "objects"
    """Lists of objects."""
    WATCH = "watch"
    """Keeping what is on screen current."""
    LOGS = "logs"
    PORT_FORWARD = "port-forward"
    """Asking proxies and istiod: the first way."""
    EXEC = "exec"
    """Asking proxies and istiod: the second way."""
    SECRETS = "secrets"
    METRICS = "metrics"
    SELF = "self"
    """Asking what one may do, and what the server is."""


@dataclass(frozen=True, slots=True)
class Right:
    """One resource and the verbs asked of it."""

    use: Use
    group: str
    """As RBAC writes it: empty for the core group."""
    resource: str
    verbs: tuple[str, ...]
    why: str
    """What is read from it."""
    needed_for: str
    """What is concluded from that."""
    without_it: str
    """What becomes unknown where it is denied."""
    needed: bool
    """Whether conclusions become unknown without it; the others only get poorer."""
    subresource: str = ""
    namespaced: bool = True
    """Whether a Role can grant it: what is asked for in the whole cluster only cannot be."""

    @property
    def name(self) -> str:
        """``resource[/subresource][.group]``, as ``kubectl auth can-i`` takes it."""
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{name}/{self.subresource}" if self.subresource else name

    @property
    def rule_resource(self) -> str:
        """The resource as a rule of a role names it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class UrlRight:
    """Paths of the API server that are no resource; only ``get`` is asked of them."""

    paths: tuple[str, ...]
    why: str


URLS = (
    UrlRight(("/version", "/healthz"), "whether the API server answers, and its version"),
    UrlRight(("/api", "/api/*", "/apis", "/apis/*"), "which kinds of object it serves"),
)
"""Every authenticated user has these (system:discovery), unless someone took them away."""


def rbac_group(kind: Kind) -> str:
    """A kind's API group as RBAC writes it."""
    return "" if kind.group == "core" else kind.group


def _listed(kind: Kind, reason: Reason) -> Right:
    # A Secret is fetched by name, and only when a mesh object names it: a list would hold them all.
    named = kind is kinds.SECRET
    return Right(
        use=Use.SECRETS if named else Use.OBJECTS,
        group=rbac_group(kind),
        resource=kind.plural,
        verbs=("get",) if named else ("list",),
        why=reason.why,
        needed_for=reason.needed_for,
        without_it=reason.without_it,
        needed=kind.needed,
        namespaced=kind not in CLUSTER_SCOPED,
    )


def _watched(kind: Kind) -> Right:
    return Right(
        use=Use.WATCH,
        group=rbac_group(kind),
        resource=kind.plural,
        verbs=("watch",),
        why="what changes while the app is open",
        needed_for="a screen that follows the cluster",
        without_it="what changed since it was read",
        needed=False,
        namespaced=kind not in CLUSTER_SCOPED,
    )


def _of_pods(use: Use, subresource: str, *verbs: str, needed: bool, reason: Reason) -> Right:
    return Right(
        use=use,
        group="",
        resource="pods",
        subresource=subresource,
        verbs=verbs,
        why=reason.why,
        needed_for=reason.needed_for,
        without_it=reason.without_it,
        needed=needed,
    )


_LOGS = Reason(
    "logs of proxies, istiod and ztunnel",
    "which request failed how, and what istiod and proxies complain of",
    "causes that only a log tells: failing requests, rejected configuration, lost connections",
)
_ASK = (
    "what each proxy holds (Envoy's admin interface) and what istiod knows (its debug endpoints)",
    "every conclusion about a proxy's clusters, routes, endpoints, certificates and sync state",
)
_PORT_FORWARD = Reason(*_ASK, "proxies and istiod, unless exec is allowed")
_EXEC = Reason(*_ASK, "proxies and istiod, unless port-forward is allowed")
_METRICS = Reason(
    "CPU and memory of pods and nodes now",
    "how near a proxy or istiod is to its limits",
    "how much memory and CPU a proxy uses now",
)
_REVIEW = Reason(
    "what one may do, asked before it is tried",
    "this very check",
    "what else is denied, until it is tried",
)


def _metric(resource: str) -> Right:
    return Right(
        use=Use.METRICS,
        group="metrics.k8s.io",
        resource=resource,
        verbs=("list",),
        why=_METRICS.why,
        needed_for=_METRICS.needed_for,
        without_it=_METRICS.without_it,
        needed=False,
        namespaced=False,
    )


RIGHTS: tuple[Right, ...] = (
    *(_listed(kind, REASONS[kind]) for kind in kinds.ALL),
    *(_watched(kind) for kind in kinds.ALL if kind is not kinds.SECRET),
    _of_pods(Use.LOGS, "log", "get", needed=True, reason=_LOGS),
    _of_pods(Use.PORT_FORWARD, "portforward", "get", "create", needed=True, reason=_PORT_FORWARD),
    _of_pods(Use.EXEC, "exec", "get", "create", needed=True, reason=_EXEC),
    _metric("pods"),
    _metric("nodes"),
    Right(
        use=Use.SELF,
        group="authorization.k8s.io",
        resource="selfsubjectaccessreviews",
        verbs=("create",),
        why=_REVIEW.why,
        needed_for=_REVIEW.needed_for,
        without_it=_REVIEW.without_it,
        needed=False,
        namespaced=False,
    ),
)
"""Everything that is ever asked of resources. None of it changes an object."""


def chosen(*, port_forward: bool = True, secrets: bool = True) -> tuple[Right, ...]:
    """The rights of one variant of the role.

    Args:
        port_forward: ask proxies through port-forward; False for exec instead.
        secrets: read the Secrets that gateways and istiod name.
    """
    left_out = {Use.EXEC if port_forward else Use.PORT_FORWARD}
    if not secrets:
        left_out.add(Use.SECRETS)
    return tuple(right for right in RIGHTS if right.use not in left_out)
