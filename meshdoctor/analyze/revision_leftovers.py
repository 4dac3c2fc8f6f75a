"""What an upgrade left behind: parts of revisions that are gone, and control planes nobody uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, holds
from meshdoctor.analyze.control_plane_users import namespaces_asking, pods_served
from meshdoctor.analyze.sync_connections import connections, unread_istiods
from meshdoctor.intent.control_plane import controller_of
from meshdoctor.intent.injection_webhooks import InjectionWebhook, injection_webhooks
from meshdoctor.intent.revision_labels import REVISION, TAG
from meshdoctor.intent.revisions import ControlPlane, control_planes
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
    VALIDATING_WEBHOOK,
    Kind,
)
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

LEFT = "MD0460"
"""Something of a revision is left that nothing uses."""

LISTED = (
    MUTATING_WEBHOOK,
    VALIDATING_WEBHOOK,
    SERVICE,
    CONFIG_MAP,
    HORIZONTAL_POD_AUTOSCALER,
)
"""The kinds of which each revision has its own."""
NEEDED = (DEPLOYMENT, POD, NAMESPACE, MUTATING_WEBHOOK, VALIDATING_WEBHOOK)
"""Kinds without which it cannot be told what is left behind."""
_CONFIG_MAPS = ("istio", "values")
"""``istio[-rev]``, ``istio-sidecar-injector[-rev]`` and ``values[-rev]`` (the istiod chart)."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """One object that an upgrade left behind."""

    what: str
    """The object, ``Kind namespace/name``."""
    revision: str
    tag: str
    """The revision tag it stands for; empty for none."""
    why: str
    """What it is, and whom it hurts."""
    command: str
    """How to take it away, once nothing needs it."""
    hurts: bool
    """Whether something fails because of it, rather than lying about."""
    evidence: Evidence


def _is_istiods(item: Resource) -> bool:
    """Whether an object that names a revision is a part of its control plane."""
    if item.kind is CONFIG_MAP:
        return item.name.split("-")[0] in _CONFIG_MAPS
    if item.kind in (SERVICE, HORIZONTAL_POD_AUTOSCALER):
        return item.labels.get("app") == "istiod"
    return True


def _fails_closed(item: Resource) -> bool:
    entries = map(as_mapping, as_list(item.get("webhooks")))
    return any(entry.get("failurePolicy", "Fail") == "Fail" for entry in entries)


def _calls_outside(item: Resource) -> bool:
    """Whether a webhook's istiod is in another cluster: its revision is rightly not in this one."""
    return any(
        InjectionWebhook(item, index).service is None
        for index in range(len(as_list(item.get("webhooks"))))
    )


def _why(item: Resource, revision: str) -> tuple[str, bool]:
    gone = f"revision {revision} has no control plane"
    tag = item.labels.get(TAG)
    closed = _fails_closed(item)
    if item.kind is MUTATING_WEBHOOK and tag:
        return f"tag {tag} leads nowhere: {gone}; pods that ask for it get no proxy", True
    if item.kind is MUTATING_WEBHOOK:
        outcome = "are refused" if closed else "get no proxy"
        return f"injection webhook of a revision that is gone; pods that it selects {outcome}", True
    if item.kind is VALIDATING_WEBHOOK and closed:
        return f"validator that nobody answers: {gone}; Istio objects it selects are refused", True
    return f"{gone}; nothing reads it", False


def _command(item: Resource) -> str:
    scope = f" -n {item.namespace}" if item.namespace else ""
    return f"kubectl delete {item.kind.name.lower()} {item.name}{scope}"


def _of_gone_revisions(mesh: Snapshot) -> Iterator[Leftover]:
    planes = control_planes(mesh)
    for kind in LISTED:
        for item in mesh.catalog.of(kind):
            revision = item.labels.get(REVISION)
            if not revision or revision in planes or not _is_istiods(item):
                continue
            if kind in (MUTATING_WEBHOOK, VALIDATING_WEBHOOK) and _calls_outside(item):
                continue
            why, hurts = _why(item, revision)
            shown = item.evidence("metadata", "labels", REVISION)
            tag = item.labels.get(TAG, "")
            yield Leftover(str(item), revision, tag, why, _command(item), hurts, shown)


def _is_used(mesh: Snapshot, plane: ControlPlane) -> bool:
    if namespaces_asking(mesh, plane.revision) or pods_served(mesh, plane):
        return True
    return any(item.istiod.revision == plane.revision for item in connections(mesh).values())


def _unused(mesh: Snapshot) -> Iterator[Leftover]:
    planes = control_planes(mesh)
    # An only control plane that nobody uses yet is new, not left behind.
    if len(planes) < 2 or unread_istiods(mesh) or not mesh.catalog.known(NAMESPACE, POD):
        return
    tagged = {item.revision: item.tag for item in injection_webhooks(mesh) if item.tag}
    for plane in planes.values():
        if _is_used(mesh, plane) or not plane.deployments:
            continue
        tag = tagged.get(plane.revision, "")
        item = plane.deployments[0]
        also = f", though tag {tag} leads to it" if tag else ""
        why = f"control plane that no namespace asks for and no proxy is connected to{also}"
        command = f"istioctl uninstall --revision {plane.revision}"
        shown = item.evidence("metadata", "name")
        yield Leftover(
            controller_of(mesh, plane),
            plane.revision,
            tag,
            why,
            command,
            hurts=False,
            evidence=shown,
        )


def leftovers(mesh: Snapshot) -> tuple[Leftover, ...]:
    """What is left behind, what hurts first, then by revision and object.

    Nothing counts as left behind where Deployments were not read, or where no control plane is in
    the cluster at all: that is another fault.
    """
    if not mesh.catalog.known(DEPLOYMENT) or not control_planes(mesh):
        return ()
    found = [*_of_gone_revisions(mesh), *_unused(mesh)]
    return tuple(sorted(found, key=lambda item: (not item.hurts, item.revision, item.what)))


def unread(mesh: Snapshot) -> tuple[str, ...]:
    """Inputs without which the list may be short."""
    kinds: tuple[Kind, ...] = (*NEEDED, *LISTED)
    return mesh.catalog.unread(*dict.fromkeys(kinds))


@dataclass(frozen=True, slots=True)
class NothingLeftBehind:
    """Nothing is left of revisions that are gone."""

    name: str = "nothing-left-behind"
    description: str = "Nothing is left of revisions that are gone, and every istiod is used."
    inputs: tuple[str, ...] = tuple(kind.input for kind in NEEDED)
    codes: tuple[str, ...] = (LEFT,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One note for each object; a warning for those that something fails because of."""
        for item in leftovers(mesh):
            message = f"{item.what}: {item.why}"
            yield Finding(
                code=LEFT,
                subject=MESH_SUBJECT,
                outcome=Outcome.WARN,
                message=message,
                resource=item.what,
                objects=(item.what,),
                facts=(holds("left-behind", message, item.evidence),),
                severity=Severity.WARNING if item.hurts else Severity.INFO,
                root=False,
                fills={"mend": item.command},
            )


ANALYZER = NothingLeftBehind()
