from __future__ import annotations

from typing import Any

from meshdoctor.analyze.sync_stale import ANALYZER
from meshdoctor.model.evidence import resolve_pointer
from meshdoctor.model.finding import Outcome
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh
from tests.unit.analyze.control_plane_build import (
    ago,
    found,
    injected,
    istiod_deployment,
    istiod_pod,
    knowing,
    one,
    refusal,
    sync,
)

STALE = [("MD0412", "proxy web.shop", ("Deployment shop/web",))]


def waiting(**since: float) -> dict[str, Any]:
    time = ago(**since)
    return {"sent": f"{time}/2", "acked": f"{ago(minutes=9)}/1", "sentTime": time}


def pushed(**since: float) -> dict[str, Any]:
    time = ago(**since)
    return {"sent": f"{time}/3", "acked": f"{time}/3", "sentTime": time}


def seen(web: dict[str, Any], other: dict[str, Any], version: str = "1.30.2-a-Clean") -> Snapshot:
    knows = knowing(sync("web.shop", lds=web), sync("other.shop", lds=other), version=version)
    parts = [istiod_deployment(), istiod_pod(), injected("web"), injected("other")]
    return mesh(parts, istiods=[knows])


def warnings(snapshot: Snapshot) -> list[tuple[str, str, tuple[str, ...]]]:
    return found(ANALYZER, snapshot, Outcome.FAIL, Outcome.WARN)


def test_a_push_unanswered_for_long_while_istiod_pushes_on_is_a_note() -> None:
    snapshot = seen(waiting(minutes=2), pushed(seconds=20))
    assert warnings(snapshot) == STALE
    assert one(ANALYZER.analyze(snapshot), "MD0412", Outcome.WARN).root is False


def test_a_push_of_a_moment_ago_may_be_unanswered() -> None:
    assert warnings(seen(waiting(seconds=10), pushed(seconds=5))) == []


def test_an_istiod_that_has_pushed_nothing_since_says_nothing_of_a_late_answer() -> None:
    knows = knowing(sync("web.shop", lds=waiting(minutes=2), cds=pushed(minutes=3)))
    parts = [istiod_deployment(), istiod_pod(), injected("web")]
    assert warnings(mesh(parts, istiods=[knows])) == []


def test_a_rejection_is_not_a_late_answer() -> None:
    web = refusal("bad", sent=ago(minutes=2), accepted=ago(minutes=3))
    assert warnings(seen(web, pushed(seconds=20))) == []


def test_the_first_releases_of_122_say_stale_of_proxies_that_are_in_sync() -> None:
    web, other = waiting(minutes=2), pushed(seconds=20)
    assert warnings(seen(web, other, version="1.22.3-abc-Clean")) == []
    assert warnings(seen(web, other, version="1.22.4-abc-Clean")) == STALE


def test_the_evidence_of_a_flat_entry_is_its_nonce() -> None:
    entry = {
        "proxy": "web.shop",
        "listener_sent": f"{ago(minutes=2)}/2",
        "listener_acked": f"{ago(minutes=9)}/1",
        "cluster_sent": f"{ago(seconds=20)}/3",
        "cluster_acked": f"{ago(seconds=20)}/3",
    }
    parts = [istiod_deployment(), istiod_pod(), injected("web")]
    (finding,) = ANALYZER.analyze(mesh(parts, istiods=[knowing(entry, version="1.21.0-a-b")]))
    (shown,) = finding.evidence
    assert shown.pointer is not None
    assert resolve_pointer([entry], shown.pointer) == shown.excerpt
