"""Why the API server refused a pod, read from its own words.

The forms are those of Kubernetes' admission plugins (PodSecurity, ResourceQuota, LimitRanger) and
of its webhook client.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.injection_webhooks import SUFFIX

if TYPE_CHECKING:
    from meshdoctor.analyze.pod_refusals import Refusal

INIT_CONTAINER = "istio-init"
"""The container that injection adds to redirect traffic, where there is no istio-cni."""

_POD_SECURITY = re.compile(
    r'violates PodSecurity "(?P<level>[a-z]+)(?::[^"]*)?": (?P<why>.*)', re.S
)
_MUST_SPECIFY = re.compile(r"failed quota: (?P<quota>[^:\s]+): must specify (?P<what>.+)", re.S)
_EXCEEDED = re.compile(
    r"exceeded quota: (?P<quota>[^,\s]+), requested: (?P<requested>.+?), used: (?P<used>.+?), "
    r"limited: (?P<limited>.+)",
    re.S,
)
_LIMITED = re.compile(
    r"(?P<edge>maximum|minimum) (?P<resource>[\w./-]+) usage per (?P<type>Container|Pod) "
    r"is (?P<bound>[\w.]+)"
)
_RATIO = re.compile(
    r"(?P<resource>[\w./-]+) max limit to request ratio per (?P<type>Container|Pod) "
    r"is (?P<bound>\S+),"
)
_WEBHOOK = re.compile(
    r'failed calling webhook "(?P<name>[^"]+)": (?:failed to call webhook: )?'
    r'(?:Post "?https://(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc[^\s"]*"?: )?'
    r"(?P<error>.*)",
    re.S,
)
_FOR = re.compile(r"(?P<resource>[\w./-]+) for: (?P<containers>[\w,.-]+)")
_UNTRUSTED = re.compile(r"x509: certificate signed by unknown authority")


@dataclass(frozen=True, slots=True)
class PodSecurity:
    """The pod breaks the Pod Security level of its namespace."""

    level: str
    why: str

    @property
    def names_init_container(self) -> bool:
        """Whether the container that injection adds is among the offenders."""
        return f'"{INIT_CONTAINER}"' in self.why


@dataclass(frozen=True, slots=True)
class Quota:
    """A ResourceQuota is used up, or wants every container to name a resource."""

    name: str
    resources: tuple[str, ...]
    containers: tuple[str, ...]
    """That name no such resource; empty where the quota is used up."""
    requested: dict[str, str]
    """What the pod asks for, where the quota is used up."""

    @property
    def is_used_up(self) -> bool:
        """Whether there is too little left, rather than something unsaid."""
        return bool(self.requested)


@dataclass(frozen=True, slots=True)
class Limit:
    """A container or the whole pod lies outside a LimitRange."""

    edge: str
    """``max``, ``min`` or ``maxLimitRequestRatio``, as the LimitRange has it."""
    resource: str
    type: str
    bound: str


@dataclass(frozen=True, slots=True)
class WebhookFailure:
    """The API server could not get an answer from a webhook that must answer."""

    name: str
    service: tuple[str, str] | None
    """Namespace and name."""
    error: str

    @property
    def injects(self) -> bool:
        """Whether it is an injection webhook of Istio's."""
        return self.name.endswith(SUFFIX)

    @property
    def is_untrusted(self) -> bool:
        """Whether the API server got there and did not believe the certificate."""
        return _UNTRUSTED.search(self.error) is not None


Reason = PodSecurity | Quota | Limit | WebhookFailure


def _amounts(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {name: value for name, found, value in pairs if found}


def _quota(text: str) -> Quota | None:
    if (found := _EXCEEDED.search(text)) is not None:
        requested = _amounts(found["requested"])
        return Quota(found["quota"], tuple(requested), (), requested)
    if (found := _MUST_SPECIFY.search(text)) is None:
        return None
    each = list(_FOR.finditer(found["what"]))
    names = [name for item in each for name in item["containers"].split(",")]
    resources = [item["resource"] for item in each] or re.split(r"[,;\s]+", found["what"].strip())
    return Quota(found["quota"], tuple(resources), tuple(dict.fromkeys(names)), {})


def _limit(text: str) -> Limit | None:
    if (found := _LIMITED.search(text)) is not None:
        edge = "max" if found["edge"] == "maximum" else "min"
        return Limit(edge, found["resource"], found["type"], found["bound"].rstrip("."))
    if (found := _RATIO.search(text)) is not None:
        return Limit("maxLimitRequestRatio", found["resource"], found["type"], found["bound"])
    return None


def reason_of(refusal: Refusal) -> Reason | None:
    """Why a workload's pods are refused; None for a reason of another kind."""
    text = refusal.text
    if (found := _WEBHOOK.search(text)) is not None:
        service = (found["namespace"], found["service"]) if found["service"] else None
        return WebhookFailure(found["name"], service, found["error"])
    if (found := _POD_SECURITY.search(text)) is not None:
        return PodSecurity(found["level"], found["why"])
    return _quota(text) or _limit(text)
