"""kubectl writes to a served recording: in memory, in every way it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.serve.kubectl_judge import Kubectl, judging, needs_kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_kubectl

VIRTUAL_SERVICE: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "mine", "namespace": "shop"},
    "spec": {"hosts": ["web"], "http": [{"route": [{"destination": {"host": "web"}}]}]},
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "mine", "namespace": "shop"},
    "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "mine", "namespace": "shop"},
    "spec": {
        "selector": {"matchLabels": {"app": "mine"}},
        "template": {
            "metadata": {"labels": {"app": "mine"}},
            "spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]},
        },
    },
}


@pytest.fixture
def kubectl(tmp_path: Path) -> Iterator[Kubectl]:
    with judging(tmp_path, "healthy") as judge:
        yield judge


def documents(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects)


def spec(kubectl: Kubectl, what: str) -> dict[str, Any]:
    found: Any = kubectl.yaml("get", what, "-n", "shop")
    return {"metadata": found["metadata"], **found["spec"]}


def test_apply_creates_then_leaves_alone_then_changes(kubectl: Kubectl) -> None:
    whole = documents(VIRTUAL_SERVICE, SERVICE, DEPLOYMENT)
    kinds = ("virtualservice.networking.istio.io", "service", "deployment.apps")

    def applied(text: str) -> list[str]:
        return kubectl("apply", "-f", "-", given=text).splitlines()

    assert applied(whole) == [f"{kind}/mine created" for kind in kinds]
    assert applied(whole) == [f"{kind}/mine unchanged" for kind in kinds]
    container = {"name": "b", "image": "b:2"}
    changed = documents(
        VIRTUAL_SERVICE | {"spec": {"hosts": ["web", "api"]}},
        SERVICE | {"spec": {"ports": [{"name": "http", "port": 81}]}},
        yaml.safe_load(yaml.safe_dump(DEPLOYMENT)),
    ).replace("image: b:1", f"image: {container['image']}")
    assert applied(changed) == [f"{kind}/mine configured" for kind in kinds]
    assert spec(kubectl, "vs/mine")["hosts"] == ["web", "api"]
    assert "http" not in spec(kubectl, "vs/mine")
    service = spec(kubectl, "svc/mine")
    assert [port["port"] for port in service["ports"]] == [81]
    assert "selector" not in service
    deployment = spec(kubectl, "deploy/mine")
    images = [one["image"] for one in deployment["template"]["spec"]["containers"]]
    assert images == ["a:1", "b:2"]
    assert deployment["metadata"]["generation"] == 2


def test_apply_on_the_server_remembers_who_applied(kubectl: Kubectl) -> None:
    words, text = ("apply", "--server-side", "-f", "-"), documents(VIRTUAL_SERVICE, DEPLOYMENT)
    expected = [
        "virtualservice.networking.istio.io/mine serverside-applied",
        "deployment.apps/mine serverside-applied",
    ]
    for _ in range(2):
        assert kubectl(*words, given=text).splitlines() == expected
    found: Any = kubectl.yaml("get", "deploy/mine", "-n", "shop", "--show-managed-fields")
    assert [one["manager"] for one in found["metadata"]["managedFields"]] == ["kubectl"]
    other = documents(VIRTUAL_SERVICE | {"spec": {"hosts": ["other"]}})
    said = kubectl.refusal(*words, "--field-manager=other", given=other)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.hosts' in said
    kubectl(*words, "--field-manager=other", "--force-conflicts", given=other)
    assert spec(kubectl, "vs/mine")["hosts"] == ["other"]


def test_labels_and_annotations_come_and_go(kubectl: Kubectl) -> None:
    kubectl("label", "ns", "shop", "istio-injection-", "istio.io/rev=canary")
    labels = kubectl("get", "ns", "shop", "-o", "jsonpath={.metadata.labels}")
    assert '"istio.io/rev":"canary"' in labels
    assert "istio-injection" not in labels
    said = kubectl.refusal("label", "ns", "shop", "istio.io/rev=other")
    assert "already has a value (canary)" in said
    kubectl("label", "pods", "-n", "shop", "-l", "app=reviews", "tier=back")
    assert len(kubectl("get", "pods", "-A", "-l", "tier=back", "-o", "name").split()) == 2
    kubectl("annotate", "svc", "web", "-n", "shop", "a=b")
    assert spec(kubectl, "svc/web")["metadata"]["annotations"]["a"] == "b"


@pytest.mark.parametrize(
    ("kind", "what", "patch", "path", "expected"),
    [
        (
            "json",
            "svc/web",
            '[{"op":"replace","path":"/spec/ports/0/name","value":"tcp-x"}]',
            "{.spec.ports[0].name}",
            "tcp-x",
        ),
        ("merge", "vs/reviews", '{"spec":{"hosts":["a","b"]}}', "{.spec.hosts}", '["a","b"]'),
        (
            "strategic",
            "deploy/web-v1",
            '{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"x:2"}]}}}}',
            "{.spec.template.spec.containers[*].image}",
            "x:2",
        ),
    ],
)
def test_the_three_kinds_of_patch(
    kubectl: Kubectl, kind: str, what: str, patch: str, path: str, expected: str
) -> None:
    words = ("patch", what, "-n", "shop", "--type", kind, "-p", patch)
    assert kubectl(*words).endswith(" patched\n")
    assert kubectl("get", what, "-n", "shop", "-o", f"jsonpath={path}") == expected
    assert kubectl(*words).endswith(" patched (no change)\n")


def test_a_strategic_patch_of_a_custom_resource_is_refused(kubectl: Kubectl) -> None:
    said = kubectl.refusal("patch", "vs/reviews", "-n", "shop", "-p", '{"spec":{}}')
    assert "is not supported by networking.istio.io/v1" in said


def test_workloads_are_scaled_and_restarted(kubectl: Kubectl) -> None:
    assert kubectl("scale", "deploy/web-v1", "-n", "shop", "--replicas=3")
    assert spec(kubectl, "deploy/web-v1")["replicas"] == 3
    words = ("scale", "deploy/web-v1", "-n", "shop", "--current-replicas=9", "--replicas=0")
    assert "Expected replicas to be 9, was 3" in kubectl.refusal(*words)
    assert kubectl("rollout", "restart", "deploy/web-v1", "-n", "shop")
    annotations = spec(kubectl, "deploy/web-v1")["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in annotations


def test_what_is_deleted_is_gone(kubectl: Kubectl) -> None:
    words = ("dr", "reviews", "-n", "shop")
    assert 'destinationrule.networking.istio.io "reviews" deleted' in kubectl("delete", *words)
    assert "NotFound" in kubectl.refusal("get", *words)
    assert "NotFound" in kubectl.refusal("delete", *words)
    assert kubectl("delete", *words, "--ignore-not-found") == ""
    kubectl("delete", "pods", "-n", "shop", "-l", "app=reviews")
    assert len(kubectl("get", "pods", "-n", "shop", "-o", "name").split()) == 3
    kubectl("delete", "ns", "pay")
    assert kubectl.run("get", "svc", "-n", "pay").stdout == ""


def test_objects_are_created_in_every_way(kubectl: Kubectl) -> None:
    # Newer kubectl sends some of these as protobuf.
    kubectl("create", "namespace", "new")
    there = ("-n", "new")
    kubectl("create", "secret", "generic", "s", "--from-literal=k=v", *there)
    kubectl("create", "configmap", "c", "--from-literal=k=v", *there)
    kubectl("create", "serviceaccount", "a", *there)
    kubectl("create", "service", "clusterip", "v", "--tcp=80:8080", *there)
    kubectl("create", "deployment", "d", "--image=i:1", "--replicas=2", "--port=80", *there)
    path = "jsonpath={.data.k}"
    assert kubectl("get", "secret", "s", *there, "-o", path) == "dg=="
    assert kubectl("get", "configmap", "c", *there, "-o", path) == "v"
    service: Any = kubectl.yaml("get", "service", "v", *there)
    assert service["spec"]["ports"][0]["targetPort"] == 8080
    assert service["spec"]["selector"] == {"app": "v"}
    deployment: Any = kubectl.yaml("get", "deployment", "d", *there)
    assert deployment["spec"]["replicas"] == 2
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["ports"]) == ("i:1", [{"containerPort": 80}])
    assert kubectl("create", "-f", "-", given=documents(VIRTUAL_SERVICE))
    said = kubectl.refusal("create", "-f", "-", given=documents(VIRTUAL_SERVICE))
    assert 'virtualservices.networking.istio.io "mine" already exists' in said
    said = kubectl.refusal("create", "configmap", "x", "-n", "nowhere")
    assert 'namespaces "nowhere" not found' in said


def test_a_dry_run_on_the_server_keeps_nothing(kubectl: Kubectl) -> None:
    words = ("apply", "--dry-run=server", "-f", "-")
    assert "(server dry run)" in kubectl(*words, given=documents(SERVICE))
    assert "NotFound" in kubectl.refusal("get", "svc", "mine", "-n", "shop")
    done = kubectl.run("diff", "-f", "-", given=documents(SERVICE))
    assert (done.returncode, "+  name: mine" in done.stdout) == (1, True)


def test_an_object_is_replaced(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", given=documents(VIRTUAL_SERVICE))
    other = VIRTUAL_SERVICE | {"spec": {"hosts": ["other"]}}
    assert kubectl("replace", "-f", "-", given=documents(other))
    assert spec(kubectl, "vs/mine")["hosts"] == ["other"]
