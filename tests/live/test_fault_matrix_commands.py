"""Faults as the other commands meet them: pages, records, checks, views, and the words in text."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.cli import run
from meshdoctor.serve.mesh import Mesh
from tests.live.matrix import ROOT, WITHIN, assert_lines
from tests.live.played import BROKEN, load, playing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.played import Played, Result

_IMPATIENT = ("--timeout", "2s", "--request-timeout", "30s")
_SHORT = ("--request-timeout", "2500ms")
_PODS = "kubernetes/core/v1/pods.json"
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture(scope="module")
def crowded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The broken mesh in a cluster of more pods than a page holds."""
    mesh = load(BROKEN)
    pods = json.loads(mesh.files[_PODS])
    for number in range(600):
        metadata = {"name": f"job-{number:03}", "namespace": "default", "labels": {}}
        pods["items"].append({"metadata": metadata, "spec": {}, "status": {"phase": "Succeeded"}})
    files = {**mesh.files, _PODS: json.dumps(pods).encode()}
    with playing(Mesh.of(mesh.name, files), tmp_path_factory.mktemp("crowded")) as played:
        yield played


@pytest.fixture
def crowded(crowded_server: Played, capsys: pytest.CaptureFixture[str]) -> Iterator[Played]:
    crowded_server.capsys = capsys
    crowded_server.reset()
    yield crowded_server
    crowded_server.reset()


def _continued(played: Played) -> list[bool]:
    """Of each list of pods, whether it continued another."""
    return [
        "continue" in dict(one.query)
        for one in played.server.audit.requests
        if one.path == "/api/v1/pods"
    ]


@pytest.mark.parametrize("fault", ["", "expire:list:pods:1", "expire:list:pods"])
def test_a_page_whose_token_has_expired_costs_nothing(fault: str, crowded: Played) -> None:
    crowded.server.faults.set(*fault.split())
    result = crowded.diagnose()
    assert_lines(result, ())
    assert result.roots == {ROOT: "proven"}
    assert result.diagnosis["scope"]["proxies_read"] == 7
    assert _continued(crowded)[:2] == [False, True]
    assert len(_continued(crowded)) == (3 if fault else 2)


def _manifest(path: Path) -> dict[str, Any]:
    with tarfile.open(path) as archive:
        member = archive.extractfile("recording.json")
        assert member is not None
        found: dict[str, Any] = json.loads(member.read())
    return found


def _record(played: Played, path: Path, *options: str) -> Result:
    result = played.run("record", "-o", str(path), *options)
    assert result.seconds < WITHIN
    return result


@pytest.mark.parametrize(
    ("faults", "options", "what", "status"),
    [
        ("deny:get:secrets", (), "kubernetes/core/v1/secrets.json", "denied"),
        ("deny:list:services", (), "kubernetes/core/v1/services.json", "denied"),
        ("silent:proxy:shop/web-*", _SHORT, "proxies/shop/web-v1-844fd94d45-cswfq", "timeout"),
        ("silent:proxy", _IMPATIENT, "proxies", "timeout"),
        (
            "status:500:pods/log:legacy/legacy-api-*",
            (),
            "logs/legacy/legacy-api-v1-5f7b9cf855-l6sj6/app.log",
            "failed",
        ),
    ],
)
def test_a_recording_says_what_is_not_in_it(
    faults: str,
    options: tuple[str, ...],
    what: str,
    status: str,
    broken: Played,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken.server.faults.set(*faults.split())
    path = tmp_path / "new.tar.gz"
    result = _record(broken, path, *options)
    assert result.stdout == f"{path}\n"
    assert "not read (listed inside)" in result.told
    assert result.code == (4 if not what.startswith(("logs", "kubernetes/core/v1/secrets")) else 0)
    assert [path.name for path in tmp_path.iterdir()] == ["new.tar.gz"]
    assert (what, status) in {(one["what"], one["status"]) for one in _manifest(path)["errors"]}
    code = run(["diagnose", "-o", "json", str(path)])
    diagnosis = json.loads(capsys.readouterr().out)
    hidden = what == "kubernetes/core/v1/services.json"
    assert code == (4 if hidden else 1)
    assert [one["id"] for one in diagnosis["root_causes"]] == ([] if hidden else [ROOT])


def test_a_recording_cut_short_says_why(broken: Played, tmp_path: Path) -> None:
    broken.server.faults.set("silent:proxy")
    path = tmp_path / "new.tar.gz"
    assert _record(broken, path, *_IMPATIENT).code == 4
    assert _manifest(path)["interrupted"] == "the time was up (2s)"


def _checks(result: Result) -> dict[str, tuple[str, str]]:
    """Result and message of each check."""
    report = json.loads(result.stdout)
    return {
        one["id"]: (one["result"], one.get("message", ""))
        for category in report["categories"]
        for one in category["checks"]
    }


@pytest.mark.parametrize(
    ("faults", "code", "check", "result", "words"),
    [
        ("status:403:selfsubjectaccessreviews", 4, "rights-needed-objects", "unknown", "forbidden"),
        ("status:500:selfsubjectaccessreviews", 4, "rights-logs", "unknown", "request timed out"),
        ("deny:list:pods", 1, "rights-needed-objects", "error", "list pods is denied"),
        ("deny:list:pods", 1, "istiod-found", "unknown", "pods could not be read (denied"),
        ("deny:get:pods/log", 1, "rights-logs", "error", "get pods/log"),
        ("deny:*:pods/portforward", 3, "rights-port-forward", "warning", "exec is used"),
        ("deny:*:pods/portforward", 3, "istiod-answers", "warning", "answers by exec only"),
        (
            "deny:*:pods/portforward deny:*:pods/exec",
            1,
            "istiod-answers",
            "error",
            "does not answer (port-forward: ",
        ),
        ("silent:istiod", 1, "istiod-answers", "error", "no answer within 2.5 s"),
        ("silent:proxy", 1, "proxy-answers", "error", "no answer within 2.5 s"),
        (
            "status:404:customresourcedefinitions",
            4,
            "istio-crds-present",
            "unknown",
            "could not be read",
        ),
    ],
)
def test_check_tells_what_it_found_from_what_it_could_not_see(
    faults: str, code: int, check: str, result: str, words: str, healthy: Played
) -> None:
    healthy.server.faults.set(*faults.split())
    ended = healthy.run("check", "-o", "json", *_SHORT)
    found = _checks(ended)
    assert found[check][0] == result
    assert words in found[check][1]
    assert ended.code == code
    assert ended.seconds < WITHIN


def test_check_ends_when_the_time_is_up(healthy: Played) -> None:
    healthy.server.faults.set("silent:selfsubjectaccessreviews")
    result = healthy.run("check", *_IMPATIENT)
    assert result.code == 2
    assert result.told == ("meshdoctor: the time was up (2s) before it was known what may be read")
    assert result.seconds < WITHIN


@pytest.mark.parametrize(
    ("command", "faults", "shown", "said"),
    [
        ("proxy-status", "silent:istiod", "UNKNOWN", "istiod/istio-system/istiod-"),
        ("proxy-status", "deny:list:pods", "No proxies", "not read: "),
        ("istiod-logs", "deny:get:pods/log", "? not read: istiod/", "discovery.log: denied"),
        ("webhooks", "deny:list:mutatingwebhookconfigurations", "validator", "denied"),
        ("namespaces", "deny:list:namespaces", "namespaces were not read", "not read: "),
        ("namespaces", "deny:list:pods", "unknown", "not read: "),
    ],
)
def test_a_view_shows_what_it_can_and_says_what_it_cannot(
    command: str, faults: str, shown: str, said: str, healthy: Played
) -> None:
    healthy.server.faults.set(*faults.split())
    result = healthy.run(command, *_SHORT)
    assert shown in result.stdout
    assert said in result.told
    assert result.seconds < WITHIN


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("silent:proxy", "config_dump.json could not be read: timeout (no answer to /config_dump"),
        ("garbage:proxy", "config_dump.json could not be read: failed (not valid JSON"),
        (
            "deny:*:pods/portforward deny:*:pods/exec",
            "config_dump.json could not be read: denied (port-forward: ",
        ),
        ("status:404:pods/portforward", "could not be read: failed (pods "),
        ("deny:list:pods", "nothing of a proxy of Deployment shop/web-v1 was read"),
    ],
)
def test_proxy_config_says_why_there_is_nothing_to_show(
    faults: str, said: str, healthy: Played
) -> None:
    healthy.server.faults.set(*faults.split())
    result = healthy.run("proxy-config", "cluster", "deploy/web-v1", *_SHORT)
    assert result.code == 2
    assert result.stdout == ""
    assert said in result.told
    assert len(result.told.splitlines()) == 1


def test_the_text_names_what_is_missing_beneath_an_honest_headline(healthy: Played) -> None:
    healthy.server.faults.set("silent:proxy", "deny:list:events")
    result = healthy.run("diagnose", *_SHORT)
    headline = result.stdout.splitlines()[0]
    assert headline.startswith("No root cause found, but the answer is incomplete: ")
    assert headline.endswith("(0 of 7 proxies read)")
    assert "? kubernetes/core/v1/events.json: denied (events is forbidden" in result.stdout
    assert "? outlier-ejection: needs proxies/clusters.json" in result.stdout
    assert result.code == 4


def test_the_root_cause_is_on_top_whatever_is_missing(broken: Played) -> None:
    broken.server.faults.set("silent:proxy:shop/web-*", "deny:list:events", "deny:get:secrets")
    result = broken.run("diagnose", *_SHORT)
    lines = result.stdout.splitlines()
    assert lines[0] == "1 root cause found (6 of 7 proxies read)"
    assert "subset-not-defined · proven · VirtualService shop/reviews" in result.stdout
    assert result.code == 1
