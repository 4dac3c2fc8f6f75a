"""Recordings of pods that do not appear or become ready, under other names and in other forms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.captures.editing import Copy, codes_of, copy_of, named

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = {"ratings": "scores", "shop": "bazaar", "small": "tight", "reviews": "comments"}
_FAULTS = {
    "application-crash-loops": ("application-crash-looping", "Deployment bazaar/scores-v1"),
    "pod-security-blocks-init": ("pod-security-forbids-istio-init", "Namespace bazaar"),
    "quota-blocks-pods": ("resource-quota-blocks-pods", "ResourceQuota bazaar/tight"),
    "probe-not-rewritten-under-strict": (
        "probe-not-rewritten-under-strict",
        "Deployment bazaar/scores-v1",
    ),
}
_NOT_TRUSTED = (
    'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed '
    'to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": tls: failed '
    "to verify certificate: x509: certificate signed by unknown authority"
)

pytestmark = pytest.mark.usefixtures("captures_root", "no_network")


def _rename(copy: Copy) -> None:
    """Other names throughout, in paths as well as in files."""
    paths = sorted(copy.folder.rglob("*"), key=lambda path: -len(path.parts))
    for path in paths:
        if path.is_file():
            text = path.read_text(errors="surrogateescape")
            for old, new in _NAMES.items():
                text = text.replace(old, new)
            path.write_text(text, errors="surrogateescape")
        for old, new in _NAMES.items():
            if old in path.name:
                path = path.rename(path.with_name(path.name.replace(old, new)))


def _say(copy: Copy, text: str) -> None:
    """Let every refusal that stands say something else."""
    for plural in ("replicasets", "deployments"):
        with copy.items(plural) as items:
            for item in items:
                for condition in item.get("status", {}).get("conditions") or []:
                    if condition["type"] == "ReplicaFailure":
                        condition["message"] = text
    with copy.items("events") as events:
        events[:] = [item for item in events if item.get("reason") != "FailedCreate"]


def _deployment(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["metadata"]["name"] == name)


@pytest.mark.parametrize("name", sorted(_FAULTS))
def test_other_names_give_the_same_answer(name: str, tmp_path: Path) -> None:
    copy = copy_of(name, tmp_path)
    _rename(copy)
    assert named(copy.answer()) == [_FAULTS[name]]


@pytest.mark.parametrize("name", ["pod-security-blocks-init", "quota-blocks-pods"])
def test_a_stateful_set_is_told_by_its_events_alone(name: str, tmp_path: Path) -> None:
    copy = copy_of(name, tmp_path)
    refused: dict[str, Any] = {}
    with copy.items("deployments") as items:
        refused = _deployment(items, "ratings-v1")
        items.remove(refused)
    with copy.items("replicasets") as items:
        items[:] = [item for item in items if not item["metadata"]["name"].startswith("ratings")]
    refused |= {"kind": "StatefulSet", "status": {"replicas": 0}}
    with copy.items("statefulsets") as items:
        items.append(refused)
    with copy.items("events") as events:
        for item in events:
            if item.get("reason") == "FailedCreate":
                about = item["involvedObject"]
                about |= {"kind": "StatefulSet", "name": "ratings-v1"}
    with copy.items("pods") as pods:
        for item in pods:
            if item["metadata"]["name"].startswith("ratings"):
                owner = item["metadata"]["ownerReferences"][0]
                owner |= {"kind": "StatefulSet", "name": "ratings-v1"}
    answer = copy.answer()
    assert [cause for cause, _ in named(answer)] == [_FAULTS[name][0]]
    assert "StatefulSet shop/ratings-v1" in answer.root_causes[0].objects


@pytest.mark.parametrize("name", ["pod-security-blocks-init", "quota-blocks-pods"])
def test_a_refusal_whose_pods_came_since_is_over(name: str, tmp_path: Path) -> None:
    copy = copy_of(name, tmp_path)
    for plural in ("replicasets", "deployments"):
        with copy.items(plural) as items:
            for item in items:
                status = item.get("status", {})
                conditions = status.get("conditions") or []
                status["conditions"] = [c for c in conditions if c["type"] != "ReplicaFailure"]
                status["replicas"] = item["spec"].get("replicas", 1)
    answer = copy.answer()
    assert named(answer) == []
    assert codes_of(answer).isdisjoint({"MD0321", "MD0324"})


def test_a_refusal_by_another_rule_is_no_cause_of_the_meshs(tmp_path: Path) -> None:
    copy = copy_of("quota-blocks-pods", tmp_path)
    _say(copy, 'admission webhook "policy.example.com" denied the request: no latest tag')
    answer = copy.answer()
    assert named(answer) == []
    assert "MD0324" in codes_of(answer)


def test_a_limit_range_that_the_sidecar_breaks_is_named(tmp_path: Path) -> None:
    copy = copy_of("quota-blocks-pods", tmp_path)
    _say(copy, 'pods "x" is forbidden: maximum cpu usage per Container is 1, but limit is 2')
    with copy.items("limitranges") as items:
        limit = {"type": "Container", "max": {"cpu": "1"}}
        metadata = {"name": "bounds", "namespace": "shop"}
        items.append({"kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limit]}})
    assert named(copy.answer()) == [("resource-quota-blocks-pods", "LimitRange shop/bounds")]


def test_a_bundle_of_another_authority_refuses_pods(tmp_path: Path) -> None:
    copy = copy_of("quota-blocks-pods", tmp_path)
    _say(copy, _NOT_TRUSTED)
    with copy.items("mutatingwebhookconfigurations") as items:
        for item in items:
            for entry in item["webhooks"]:
                entry["clientConfig"].pop("caBundle", None)
    answer = copy.answer()
    assert named(answer) == [
        (
            "webhook-ca-bundle-mismatch",
            "MutatingWebhookConfiguration istio-sidecar-injector",
        )
    ]
    assert answer.root_causes[0].certainty.value == "proven"


def test_a_bundle_that_was_reset_is_found_before_any_pod_is_refused(tmp_path: Path) -> None:
    copy = copy_of("healthy", tmp_path)
    with copy.items("mutatingwebhookconfigurations") as items:
        for entry in items[0]["webhooks"]:
            entry["clientConfig"]["caBundle"] = ""
    assert [cause for cause, _ in named(copy.answer())] == ["webhook-ca-bundle-mismatch"]


def _without_sidecar(copy: Copy, prefix: str) -> None:
    """Take the sidecar out of a workload's pods, as if they had been let through just now."""
    with copy.items("pods") as pods:
        for item in pods:
            if not item["metadata"]["name"].startswith(prefix):
                continue
            item["metadata"]["creationTimestamp"] = json.loads(
                (copy.folder / "recording.json").read_text()
            )["captured_at"]
            item["metadata"]["annotations"] = {}
            item["spec"]["initContainers"] = []
            item["status"]["initContainerStatuses"] = []
            item["metadata"]["labels"] = {
                key: value
                for key, value in item["metadata"]["labels"].items()
                if "istio.io" not in key
            }
    for path in copy.files(f"proxies/*/{prefix}*/*"):
        path.unlink()


def test_a_pod_made_while_istiod_was_away_is_told_from_one_older_than_its_label(
    tmp_path: Path,
) -> None:
    copy = copy_of("healthy", tmp_path)
    _without_sidecar(copy, "reviews-v1")
    with copy.items("mutatingwebhookconfigurations") as items:
        for entry in items[0]["webhooks"]:
            entry["failurePolicy"] = "Ignore"
    assert named(copy.answer()) == [("injected-while-istiod-down", "Deployment shop/reviews-v1")]


def test_while_istiod_is_still_away_that_is_the_fault(tmp_path: Path) -> None:
    copy = copy_of("istiod-scaled-to-zero", tmp_path)
    _without_sidecar(copy, "reviews-v1")
    with copy.items("mutatingwebhookconfigurations") as items:
        for entry in items[0]["webhooks"]:
            entry["failurePolicy"] = "Ignore"
    answer = copy.answer()
    assert named(answer) == [("istiod-down", "Deployment istio-system/istiod")]
    assert "MD0308" in answer.root_causes[0].consequences


def _as_job(copy: Copy, *, native: bool) -> None:
    """Make pods of the classic recording a Job whose work is done."""
    with copy.items("pods") as pods:
        item = next(i for i in pods if i["metadata"]["name"].startswith("ratings-v1"))
        item["spec"]["restartPolicy"] = "Never"
        owner = {"kind": "Job", "name": "count-29394720", "controller": True}
        item["metadata"]["ownerReferences"] = [owner]
        for status in item["status"]["containerStatuses"]:
            if status["name"] != "istio-proxy":
                done = {"exitCode": 0, "finishedAt": "2026-11-21T08:00:00Z"}
                status |= {"ready": False, "state": {"terminated": done}}
        if native:
            for key, status_key in (("containers", "containerStatuses"),):
                moved = [c for c in item["spec"][key] if c["name"] == "istio-proxy"]
                item["spec"][key] = [c for c in item["spec"][key] if c not in moved]
                item["spec"]["initContainers"] += moved
                statuses = item["status"][status_key]
                gone = [s for s in statuses if s["name"] == "istio-proxy"]
                item["status"][status_key] = [s for s in statuses if s not in gone]
                item["status"]["initContainerStatuses"] += gone


@pytest.mark.parametrize("native", [False, True], ids=["classic", "native"])
def test_only_a_classic_sidecar_holds_a_job_up(native: bool, tmp_path: Path) -> None:
    copy = copy_of("classic-sidecars-healthy", tmp_path)
    _as_job(copy, native=native)
    causes = [cause for cause, _ in named(copy.answer())]
    assert ("classic-sidecar-blocks-job" in causes) is not native


def test_a_probe_that_the_application_answers_badly_is_not_the_sidecars(tmp_path: Path) -> None:
    copy = copy_of("probe-not-rewritten-under-strict", tmp_path)
    with copy.items("peerauthentications") as items:
        items.clear()
    with copy.items("events") as events:
        for item in events:
            if item.get("reason") == "Unhealthy":
                said = item["message"].partition("failed: ")[0]
                item["message"] = said + "failed: HTTP probe failed with statuscode: 500"
    assert [cause for cause, _ in named(copy.answer())] == ["pods-not-ready"]


def test_a_container_that_takes_too_much_memory_is_told_so(tmp_path: Path) -> None:
    copy = copy_of("application-crash-loops", tmp_path)
    with copy.items("pods") as pods:
        item = next(i for i in pods if i["metadata"]["name"].startswith("ratings-v1"))
        for status in item["status"]["containerStatuses"]:
            for key in ("state", "lastState"):
                if "terminated" in status[key]:
                    status[key]["terminated"] |= {"exitCode": 137, "reason": "OOMKilled"}
    (found,) = copy.answer().root_causes
    assert found.id == "application-crash-looping"
    assert "OOMKilled" in found.summary
