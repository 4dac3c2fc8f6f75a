"""kubectl reads a served recording as it reads a cluster."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.serve.kubectl_judge import Kubectl, judging, needs_kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_kubectl


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    with judging(tmp_path_factory.mktemp("kubectl"), "healthy") as judge:
        yield judge


def test_pods_are_shown_with_what_they_do_and_since_when(kubectl: Kubectl) -> None:
    head, *rows = kubectl.rows("get", "pods", "-n", "shop")
    assert head == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [row[1:4] for row in rows] == [["2/2", "Running", "0"]] * 5
    # Ages count from the recording's clock, whatever the machine's says.
    assert {row[4] for row in rows} <= {"15m", "16m"}


def test_wide_tables_show_more(kubectl: Kubectl) -> None:
    narrow = kubectl.rows("get", "pods", "-A")[0]
    wide, *rows = kubectl.rows("get", "pods", "-A", "-o", "wide")
    assert wide == ["NAMESPACE", *narrow[1:], "IP", "NODE", "NOMINATED NODE", "READINESS GATES"]
    assert len(rows) == 10
    assert all(row[-4].startswith("10.244.0.") and row[-3] == "lab-node" for row in rows)


@pytest.mark.parametrize(
    ("words", "head", "row"),
    [
        (
            "svc -n shop",
            "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE",
            "reviews ClusterIP 10.96.250.3 <none> 8080/TCP AGE",
        ),
        (
            "svc -n istio-system istio-ingressgateway",
            "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE",
            "istio-ingressgateway NodePort 10.96.71.13 <none> "
            "15021:30195/TCP,80:30514/TCP,443:32760/TCP AGE",
        ),
        (
            "deploy -n shop",
            "NAME READY UP-TO-DATE AVAILABLE AGE",
            "reviews-v1 1/1 1 1 AGE",
        ),
        (
            "rs -n shop -l version=v2",
            "NAME DESIRED CURRENT READY AGE",
            "reviews-v2-7667d9b55c 1 1 1 AGE",
        ),
        (
            "endpointslices -n shop",
            "NAME ADDRESSTYPE PORTS ENDPOINTS AGE",
            "reviews-ccbgp IPv4 8080 10.244.0.29,10.244.0.30 AGE",
        ),
        (
            "endpoints -n shop",
            "NAME ENDPOINTS AGE",
            "reviews 10.244.0.29:8080,10.244.0.30:8080 AGE",
        ),
        ("nodes", "NAME STATUS ROLES AGE VERSION", "lab-node Ready <none> AGE v1.33.13"),
        ("ns", "NAME STATUS AGE", "shop Active AGE"),
        ("cm istio -n istio-system", "NAME DATA AGE", "istio 2 AGE"),
        ("secrets -n istio-system", "NAME TYPE DATA AGE", "istio-ca-secret istio.io/ca-root 5 AGE"),
        ("sa default -n shop", "NAME SECRETS AGE", "default 0 AGE"),
        ("vs -n shop", "NAME GATEWAYS HOSTS AGE", 'reviews ["reviews"] AGE'),
        ("dr -n shop", "NAME HOST AGE", "reviews reviews AGE"),
        ("gw -n shop", "NAME AGE", "shop-gateway AGE"),
        (
            "mutatingwebhookconfigurations",
            "NAME WEBHOOKS AGE",
            "istio-sidecar-injector 4 AGE",
        ),
        (
            "crd",
            "NAME CREATED AT",
            "virtualservices.networking.istio.io 2026-11-21T07:03:46Z",
        ),
        (
            "hpa -n istio-system istiod",
            "NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE",
            "istiod Deployment/istiod cpu: <unknown>/80% 1 1 1 AGE",
        ),
    ],
)
def test_each_kind_has_kubernetes_own_columns(
    kubectl: Kubectl, words: str, head: str, row: str
) -> None:
    lines = [" ".join(line.split()) for line in kubectl("get", *words.split()).splitlines()]
    assert lines[0] == head
    # The minute may turn while the tests run.
    assert row in [re.sub(r"\b\d\dm\b", "AGE", line) for line in lines[1:]]


def test_events_tell_when_they_were_seen_last_and_of_what(kubectl: Kubectl) -> None:
    head, *rows = kubectl.rows("get", "events", "-n", "shop")
    assert head == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    started = [row for row in rows if row[2] == "Started" and "reviews-v2-7667" in row[3]]
    assert started
    assert started[-1][4] == "Started container app"
    about = "involvedObject.kind=Pod,involvedObject.name=reviews-v2-7667d9b55c-q2d8x,type=Normal"
    chosen = kubectl.column("OBJECT", "get", "events", "-n", "shop", "--field-selector", about)
    assert set(chosen) == {"pod/reviews-v2-7667d9b55c-q2d8x"}


def test_objects_are_printed_as_yaml_json_and_names(kubectl: Kubectl) -> None:
    service: Any = kubectl.yaml("get", "svc", "reviews", "-n", "shop")
    assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
    assert service["spec"]["selector"] == {"app": "reviews"}
    everything = json.loads(kubectl("get", "vs,dr", "-A", "-o", "json"))
    kinds = [(one["apiVersion"], one["kind"]) for one in everything["items"]]
    assert ("networking.istio.io/v1", "VirtualService") in kinds
    assert (
        kubectl("get", "dr", "-A", "-o", "name") == "destinationrule.networking.istio.io/reviews\n"
    )
    path = "jsonpath={.items[*].metadata.name}"
    assert kubectl("get", "pods", "-n", "pay", "-o", path) == "payments-v1-579c57fffc-nnzg8"
    columns = "custom-columns=A:.metadata.name,B:.spec.nodeName"
    assert kubectl.rows("get", "pods", "-n", "pay", "-o", columns)[1][1] == "lab-node"


@pytest.mark.parametrize(
    ("selector", "number"),
    [
        ("app=reviews", 2),
        ("app=reviews,version!=v1", 1),
        ("app in (web, ratings)", 2),
        ("app notin (web),version", 4),
        ("!app", 0),
    ],
)
def test_label_selectors_choose(kubectl: Kubectl, selector: str, number: int) -> None:
    found = kubectl("get", "pods", "-n", "shop", "-l", selector, "-o", "name").split()
    assert len(found) == number


def test_field_selectors_choose_and_what_cannot_be_selected_is_refused(kubectl: Kubectl) -> None:
    selector = "spec.nodeName=lab-node,status.phase=Running,metadata.namespace!=shop"
    found = kubectl("get", "pods", "-A", "--field-selector", selector, "-o", "name").split()
    assert len(found) == 5
    said = kubectl.refusal("get", "pods", "-A", "--field-selector", "spec.image=x")
    assert "field label not supported: spec.image" in said


def test_pages_together_are_the_whole(kubectl: Kubectl) -> None:
    kubectl.server.audit.clear()
    assert len(kubectl("get", "pods", "-A", "--chunk-size=2", "-o", "name").split()) == 10
    lists = [one for one in kubectl.server.audit.requests if one.path == "/api/v1/pods"]
    assert len(lists) == 5


def test_tables_are_sorted_as_asked(kubectl: Kubectl) -> None:
    order = "--sort-by=.status.podIP"
    names = kubectl.column("NAME", "get", "pods", "-n", "shop", order)
    assert names[0].startswith("web-v1")
    assert names[-1].startswith("client-v1")


def test_what_is_not_there_is_said_in_kubernetes_words(kubectl: Kubectl) -> None:
    said = kubectl.refusal("get", "pod", "nope", "-n", "shop")
    assert said == 'Error from server (NotFound): pods "nope" not found'
    said = kubectl.refusal("get", "nothings")
    assert said == 'error: the server doesn\'t have a resource type "nothings"'
    done = kubectl.run("get", "pods", "-n", "default")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "No resources found in default namespace.\n"


def test_what_was_not_recorded_is_an_error_and_not_an_empty_list(kubectl: Kubectl) -> None:
    assert kubectl.refusal("get", "jobs", "-A").endswith("jobs.batch: not in the recording")
    # What everybody asks for does not fail for it.
    assert "deployment.apps/web-v1" in kubectl("get", "all", "-n", "shop", "-o", "name").split()


def test_the_server_says_what_it_is_and_what_it_serves(kubectl: Kubectl) -> None:
    assert "Server Version: v1.33.13" in kubectl.run("version").stdout
    head, *rows = kubectl.rows("api-resources")
    assert head == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    assert ["pods", "po", "v1", "true", "Pod"] in rows
    assert ["nodes", "no", "v1", "false", "Node"] in rows
    assert [
        "virtualservices",
        "vs",
        "networking.istio.io/v1",
        "true",
        "VirtualService",
    ] in rows
    assert "networking.istio.io/v1" in kubectl("api-versions").split()
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert "peerauthentications.security.istio.io" in kubectl(
        "api-resources", "--api-group", "security.istio.io", "-o", "name"
    )
