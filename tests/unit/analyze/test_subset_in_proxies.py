"""A proxy's dump alone tells of a subset that nobody has defined; of other faults it is silent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.subset_in_proxies import ANALYZER
from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.model.diagnosis import Certainty
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.resources import recordings_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUBSET = "outbound|8080|v3|reviews.shop.svc.cluster.local"
HOST = "outbound|8080||reviews.shop.svc.cluster.local"


def dumps_alone(
    name: str, folder: Path, change: Callable[[str], str] = str, also: tuple[str, ...] = ()
) -> Path:
    """What ``istioctl proxy-config`` leaves of a recording, and some of its other files."""
    for entry in open_archive(recordings_root() / f"{name}.tar.gz").entries():
        if not entry.path.endswith(("config_dump.json", "recording.json", *also)):
            continue
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(change(entry.data.decode("utf-8")), "utf-8")
    return folder


def test_a_route_to_a_subset_without_a_cluster_names_the_cause_as_likely(tmp_path: Path) -> None:
    found = diagnose(read_recording(dumps_alone("subset-not-defined", tmp_path)))
    (cause,) = found.root_causes
    assert (cause.id, cause.certainty) == ("subset-not-defined", Certainty.LIKELY)
    assert cause.objects == ("VirtualService shop/reviews", "DestinationRule shop/reviews")
    assert {item.to for item in cause.affected} == {"reviews.shop.svc.cluster.local:8080"}
    assert "v1, v2 are defined" in cause.summary
    for fix in cause.fix:
        assert "{" not in fix.do
        assert fix.command != fix.undo
    assert not [text for fix in cause.fix for text in (fix.command, fix.undo) if "{caller}" in text]


def test_where_logs_show_who_calls_nobody_else_suffers(tmp_path: Path) -> None:
    folder = dumps_alone("subset-not-defined", tmp_path, also=("istio-proxy.log",))
    (cause,) = diagnose(read_recording(folder)).root_causes
    (suffers,) = cause.affected
    assert suffers.source.startswith("Pod shop/client-v1-")


@pytest.mark.parametrize("name", ["healthy", "subset-no-endpoints", "outlier-ejection"])
def test_a_subset_that_is_defined_is_none_of_it_whatever_else_is_wrong(
    name: str, tmp_path: Path
) -> None:
    mesh = read_recording(dumps_alone(name, tmp_path))
    assert len(mesh.proxies) > 1
    assert list(ANALYZER.analyze(mesh)) == []


def test_a_host_that_the_proxy_does_not_know_at_all_is_another_fault(tmp_path: Path) -> None:
    def without_host(text: str) -> str:
        return text.replace(json.dumps(HOST), json.dumps(HOST.replace("reviews", "others")))

    mesh = read_recording(dumps_alone("subset-not-defined", tmp_path, without_host))
    assert list(ANALYZER.analyze(mesh)) == []


def test_a_route_that_sends_nothing_there_breaks_nothing(tmp_path: Path) -> None:
    def weigh(value: Any) -> Any:
        if isinstance(value, list):
            return [weigh(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("cluster") == SUBSET:
            rest = {key: item for key, item in value.items() if key != "cluster"}
            ways = [{"name": SUBSET, "weight": 0}, {"name": HOST, "weight": 100}]
            return {**rest, "weighted_clusters": {"clusters": ways}}
        return {key: weigh(item) for key, item in value.items()}

    def without_weight(text: str) -> str:
        return json.dumps(weigh(json.loads(text)))

    folder = dumps_alone("subset-not-defined", tmp_path, without_weight)
    assert list(ANALYZER.analyze(read_recording(folder))) == []


def test_where_virtualservices_were_read_they_are_asked_instead(tmp_path: Path) -> None:
    folder = dumps_alone("subset-not-defined", tmp_path, also=("virtualservices.json",))
    assert list(ANALYZER.analyze(read_recording(folder))) == []


@pytest.mark.parametrize(("defined", "found"), [("v2", 1), ("v3", 0)])
def test_a_destinationrule_that_was_read_decides(defined: str, found: int, tmp_path: Path) -> None:
    """Where it defines the subset the proxy is behind, which is another fault."""
    rules = "destinationrules.json"
    folder = dumps_alone("subset-not-defined", tmp_path, also=(rules, "/services.json"))
    (path,) = folder.rglob(rules)
    text = path.read_text("utf-8").replace('"v2"', f'"{defined}"')
    path.write_text(text, "utf-8")
    assert len(list(ANALYZER.analyze(read_recording(folder)))) == found


def test_where_the_destinationrule_does_not_show_a_new_one_is_proposed(tmp_path: Path) -> None:
    def without_rule(text: str) -> str:
        return text.replace("/namespaces/shop/destination-rule/reviews", "")

    folder = dumps_alone("subset-not-defined", tmp_path, without_rule)
    (found,) = ANALYZER.analyze(read_recording(folder))
    assert found.objects == ("VirtualService shop/reviews",)
    assert found.fills["define"].endswith("| kubectl apply -f -")
