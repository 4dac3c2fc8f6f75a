"""Are Istio's CRDs there, while istiod runs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import ISTIOD_LOG, MESH_SUBJECT, holds, silent, unread
from meshdoctor.analyze.istio_crds import SPARED, istio_crds, newest_minor, wanted
from meshdoctor.analyze.sync_rejections import istiod_log_evidence
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.finding import Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import ALL, CRD
from meshdoctor.model.not_read import ReadState
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.snapshot import Snapshot

MISSING = "MD0452"
"""Some of Istio's CRDs are missing."""
_SHOWN = 2
_LACKS = ("not present", "could not find the requested", "no matches for kind")
"""What istiod's clients say of a kind that the API server does not know."""


def _kinds() -> dict[str, Kind]:
    return {kind.crd: kind for kind in ALL if kind.custom}


def _missing(mesh: Snapshot) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of CRDs that are absent, and inputs without which that cannot be told.

    The list of CRDs tells; without it, an API server that does not know a kind does.
    """
    names = wanted(newest_minor(mesh))
    if mesh.catalog.known(CRD):
        found = istio_crds(mesh)
        return tuple(name for name in names if name not in found), ()
    kinds = _kinds()
    states = {name: mesh.catalog.state(kinds[name]) for name in names if name in kinds}
    absent = tuple(name for name, state in states.items() if state is ReadState.NOT_INSTALLED)
    read = all(
        state is not ReadState.UNREAD for name, state in states.items() if name not in SPARED
    )
    return absent, () if read else mesh.catalog.unread(CRD)


def _absent_fact(mesh: Snapshot, absent: tuple[str, ...]) -> Fact:
    fact = "crds-are-missing"
    there = istio_crds(mesh)
    text = f"Not installed: {', '.join(absent)}"
    if not mesh.catalog.known(CRD):
        return holds(fact, f"{text} (the API server does not know them)")
    listed = there or {item.name: item for item in mesh.catalog.of(CRD)}
    shown = [item.evidence("metadata", "name") for _, item in sorted(listed.items())[:_SHOWN]]
    known = f"{len(there)} others of Istio's are" if there else "none of Istio's are"
    return holds(fact, f"{text}; {known} installed", *shown)


def _runs_fact(plane: ControlPlane) -> Fact:
    shown = (*plane.deployments, *plane.pods)[0]
    return holds("istiod-is-installed", f"{shown} is", shown.evidence("metadata", "name"))


def _said_fact(mesh: Snapshot, absent: tuple[str, ...]) -> Fact:
    fact = "istiod-misses-them"
    if not any(istiod.log for istiod in mesh.istiods):
        return unread(fact, "istiod's log was not read")
    plurals = [name.partition(".")[0] for name in absent]
    for istiod in mesh.istiods:
        for line in istiod.log.lines if istiod.log else ():
            said = line.message.lower()
            if any(word in said for word in _LACKS) and any(plural in said for plural in plurals):
                shown = istiod_log_evidence(istiod, line)
                return holds(fact, f"istiod says: {line.message}", shown)
    return silent(fact, "istiod's log says nothing of it: it waits for them without a word")


def _object(name: str) -> str:
    return object_text(CRD.name, "", name)


def _finding(mesh: Snapshot, plane: ControlPlane, absent: tuple[str, ...]) -> Finding:
    core = tuple(name for name in absent if name not in SPARED)
    names = core or absent
    minor = newest_minor(mesh)
    kinds = _kinds()
    words = ", ".join(kinds[name].name if name in kinds else name for name in names)
    return Finding(
        code=MISSING,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL if core else Outcome.WARN,
        message=f"istiod runs without {len(names)} of Istio's CRDs ({', '.join(names)}): "
        "objects of these kinds cannot exist",
        resource=_object(names[0]),
        objects=tuple(_object(name) for name in names)[:6],
        facts=(_absent_fact(mesh, names), _runs_fact(plane), _said_fact(mesh, names)),
        severity=None if core else Severity.INFO,
        root=bool(core),
        fills={
            "kinds": words,
            "names": " ".join(names),
            "release": f"release-1.{minor}" if minor is not None else "release-1.YY",
        },
    )


@dataclass(frozen=True, slots=True)
class IstioCrdsInstalled:
    """All of Istio's CRDs are installed where istiod runs."""

    name: str = "istio-crds-installed"
    description: str = "Where istiod runs, all of Istio's CRDs are installed."
    # Without the CRDs, what the API server serves tells.
    inputs: tuple[str, ...] = (ISTIOD_LOG,)
    codes: tuple[str, ...] = (MISSING,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding about the cluster, where a control plane runs in it."""
        planes = control_planes(mesh)
        if not planes:
            return
        plane = planes[min(planes)]
        absent, needs = _missing(mesh)
        if absent:
            yield _finding(mesh, plane, absent)
        elif needs:
            message = "Whether all of Istio's CRDs are installed is not known"
            resource = f"Namespace {mesh.root_namespace}"
            outcome = Outcome.UNKNOWN
            yield Finding(MISSING, MESH_SUBJECT, outcome, message, resource, needs=needs)
        else:
            message = "All of Istio's CRDs are installed"
            there = sorted(istio_crds(mesh).items())[:_SHOWN]
            shown = [item.evidence("metadata", "name") for _, item in there]
            facts = (holds("crds-are-installed", message, *shown),) if shown else ()
            resource = _object(there[0][0]) if there else f"Namespace {mesh.root_namespace}"
            yield Finding(MISSING, MESH_SUBJECT, Outcome.PASS, message, resource, facts=facts)


ANALYZER = IstioCrdsInstalled()
