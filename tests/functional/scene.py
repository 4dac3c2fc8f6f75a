"""Sessions for the app's tests: made by hand, so that no analyzer's wording changes a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Event
from typing import TYPE_CHECKING

from meshdoctor.app import MeshdoctorApp
from meshdoctor.model.diagnosis import (
    Certainty,
    Diagnosis,
    Fix,
    RootCause,
    RuledOut,
    Scope,
    Unknown,
    Walk,
    WalkedStep,
)
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Affected, Fact, FactState, Finding, Outcome, Severity
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.source_error import SourceError
from meshdoctor.recording.reader import read_recording
from meshdoctor.session import Session
from meshdoctor.source import Progress
from tests import build
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener, Saved

COMMAND = "kubectl patch service ratings -n shop --type merge -p '{\"spec\": 1}'"
"""The command of the first fix."""
SELECTOR = Evidence(
    source="kubernetes/core/v1/services.json",
    excerpt='{"app": "rating"}',
    command="kubectl get service ratings -n shop -o jsonpath='{.spec.selector}'",
    pointer="/items/0/spec/selector",
)
LOG_LINE = Evidence(
    source="proxies/shop/client-0/istio-proxy.log",
    excerpt='[2026-11-21T07:59:58.000Z] "GET / HTTP/1.1" 503 UH no_healthy_upstream',
    command="kubectl logs client-0 -n shop -c istio-proxy --since=10m",
    line=398,
)
_STEPS = (
    WalkedStep("host-known", "Is the host in the registry?", Outcome.PASS, "It is."),
    WalkedStep("port-known", "Does that host have the port?", Outcome.SKIP, "Nothing to look at."),
    WalkedStep(
        "service-selects-pods",
        "Does the Service select any pod?",
        Outcome.FAIL,
        "Service shop/ratings selects app=rating, which no pod carries.",
        (SELECTOR, LOG_LINE),
    ),
)


def cause(name: str = "ratings", rank: int = 1) -> RootCause:
    """A root cause: a Service that selects nothing."""
    return RootCause(
        id="service-selector-mismatch",
        rank=rank,
        certainty=Certainty.PROVEN,
        severity=Severity.ERROR,
        domain="traffic",
        title=f"Service shop/{name} selects app=rating, which no workload carries",
        summary=f"Service shop/{name} selects pods with app=rating. No pod carries that, so it "
        "has no endpoint, and its callers' proxies answer 503 with flag UH themselves.",
        objects=(f"Service shop/{name}", "Deployment shop/ratings-v1"),
        affected=(Affected("Deployment shop/client-v1", f"{name}.shop.svc.cluster.local:8080"),),
        symptoms=("503-no-healthy-upstream",),
        playbook="503",
        subject=f"destination {name}.shop.svc.cluster.local:8080",
        path=_STEPS,
        evidence=(SELECTOR, LOG_LINE),
        consequences=(),
        fix=(
            Fix("Make the selector match the labels of the pods.", COMMAND, "The selector.", "-"),
            Fix("Or relabel the pods.", "kubectl label pods …", "The pods.", "-"),
        ),
        verify=("kubectl get endpointslices -n shop",),
        docs=("https://kubernetes.io/docs/concepts/services-networking/service/",),
    )


def finding(
    code: str,
    message: str,
    resource: str,
    *evidence: Evidence,
    severity: Severity | None = None,
) -> Finding:
    """A finding of an analyzer."""
    fact = Fact("seen", FactState.HOLDS, message, evidence)
    subject = f"about {resource}"
    return Finding(code, subject, Outcome.FAIL, message, resource, facts=(fact,), severity=severity)


def diagnosis(*causes: RootCause, **parts: object) -> Diagnosis:
    """A diagnosis with these root causes; other parts as named."""
    walks = (
        *(Walk("503", item.subject, item.path, item.id) for item in causes),
        Walk("503", "destination web.shop.svc.cluster.local:8080", _STEPS[:1], None),
    )
    made: dict[str, object] = {
        "scope": Scope(),
        "namespaces": ("default", "kube-system", "legacy", "pay", "shop"),
        "proxies_read": 2,
        "proxies_total": 2,
        "root_causes": causes,
        "ruled_out": (),
        "unknown": (),
        "findings": (),
        "not_read": (),
        "required_unread": (),
        "walks": walks,
        **parts,
    }
    return Diagnosis(**made)  # type: ignore[arg-type]  # the parts are named by the tests


def broken() -> Diagnosis:
    """Two root causes, a finding of its own, one that a cause explains, a look-alike, a gap."""
    own = finding(
        "MD0113", "Service shop/ratings selects nothing.", "Service shop/ratings", SELECTOR
    )
    other = finding("MD0119", "A pod is not ready.", "Deployment pay/payments-v1")
    gap = NotRead(PODS_PATH, NotReadStatus.DENIED, 'cannot list "events" at the cluster scope')
    return diagnosis(
        cause(),
        cause("reviews", 2),
        findings=(own, other),
        ruled_out=(RuledOut("outlier-ejection", "No outlier detection is set.", (SELECTOR,)),),
        unknown=(Unknown("pods-not-ready", (EVENTS,), f"{PODS_PATH}: denied (cannot list)"),),
        not_read=(gap,),
        required_unread=(gap,),
    )


EVENTS = "kubernetes/core/events"
PODS_PATH = "kubernetes/core/v1/events.json"


def mesh() -> Snapshot:
    """A small mesh: two pods with proxies, one Service, one istiod; no proxy was read."""
    return build.mesh(
        [
            build.namespace("shop", istio_injection="enabled"),
            build.namespace("legacy"),
            build.service("ratings", selector={"app": "rating"}),
            build.pod("ratings-0", owner="ratings-v1"),
            build.pod("client-0", owner="client-v1", ip="10.244.0.11"),
            build.pod("old-0", "legacy", proxy=None, ip="10.244.0.12"),
            build.pod("istiod-0", "istio-system", labels={"app": "istiod"}, proxy=None),
        ],
        istiods=[build.istiod()],
    )


@dataclass
class HandMadeSource:
    """A recording whose snapshot was made by hand."""

    seen: Snapshot
    name: str = "hand-made.tar.gz"
    is_live: bool = False
    error: Exception | None = None
    gate: Event | None = None
    """Reading waits for it."""
    times_read: int = 0

    def check(self) -> None:
        """It can be read."""

    def read(self, listener: Listener) -> Snapshot:
        """The snapshot, after eight files of progress."""
        self.times_read += 1
        for count in range(1, 9):
            listener.progress(Progress("files", "kubernetes/core/v1/pods.json", count))
        while self.gate is not None and not self.gate.wait(0.01):
            if listener.wants_to_stop():
                raise SourceError("stopped after 8 files; nothing was diagnosed")
        if self.error is not None:
            raise self.error
        return self.seen

    def follow(self, listener: Listener) -> None:
        """A recording never changes."""

    def save(self, path: Path, listener: Listener) -> Saved:
        """A recording is one already."""
        raise SourceError(f"{self.name} is a recording already: copy it to {path}")


class HandMade(Session):
    """A session that gives a snapshot and a diagnosis made by hand."""

    source: HandMadeSource
    made: Diagnosis

    def __init__(
        self, seen: Snapshot | None = None, made: Diagnosis | None = None, **source: object
    ) -> None:
        """Give them; ``source`` has further parts of the hand-made source."""
        super().__init__(HandMadeSource(seen or mesh(), **source))  # type: ignore[arg-type]
        self.made = made or broken()

    def diagnosis(self, scope: Scope | None = None) -> Diagnosis:
        """The diagnosis."""
        del scope
        return self.made


def recording(name: str) -> Path:
    """A bundled recording."""
    return CHECKOUT / "recordings" / f"{name}.tar.gz"


@cache
def recorded(name: str) -> Snapshot:
    """The snapshot of a bundled recording, read once."""
    return read_recording(recording(name))


def app_on(session: Session | None = None) -> MeshdoctorApp:
    """The app with a clock that stands still."""
    return MeshdoctorApp(session or HandMade(), clock=lambda: 0.0)


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is read or made any more, and every message has had its effect."""
    quiet = 0
    while quiet < 4:
        # Each pause waits for every widget to empty its queue, however slow the machine is.
        await pilot.pause(0.01)
        working = any(not worker.is_finished for worker in pilot.app.workers)
        quiet = 0 if working else quiet + 1


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other, each when the one before has had its effect."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
