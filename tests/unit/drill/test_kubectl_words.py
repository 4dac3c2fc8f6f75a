"""kubectl's own words as edits."""

from __future__ import annotations

import shlex

import pytest

from meshdoctor.drill.edits import parse_edits
from meshdoctor.drill.kubectl_words import edits_of
from meshdoctor.drill.library import drills


@pytest.mark.parametrize(
    ("command", "edits"),
    [
        (
            "kubectl label namespace a istio.io/rev- istio-injection=enabled --overwrite",
            [
                {
                    "label": {
                        "object": "Namespace a",
                        "set": {"istio.io/rev": None, "istio-injection": "enabled"},
                    }
                }
            ],
        ),
        (
            "kubectl rollout restart deployment/a deployment/b -n c && "
            "kubectl scale deployments.apps/d -n c --replicas=2",
            [
                {"restart": {"object": "Deployment c/a"}},
                {"restart": {"object": "Deployment c/b"}},
                {"scale": {"object": "Deployment c/d", "replicas": 2}},
            ],
        ),
        (
            """kubectl patch service s -n a -p '{"spec": {"selector": {"app": "x && y"}}}'""",
            [
                {
                    "patch": {
                        "object": "Service a/s",
                        "type": "strategic",
                        "patch": {"spec": {"selector": {"app": "x && y"}}},
                    }
                }
            ],
        ),
        (
            "kubectl label namespaces/a istio.io/dataplane-mode- --overwrite",
            [{"label": {"object": "Namespace a", "set": {"istio.io/dataplane-mode": None}}}],
        ),
        (
            "kubectl set image deployment/a -n b app=c:1",
            [{"set-image": {"object": "Deployment b/a", "container": "app", "image": "c:1"}}],
        ),
        (
            "kubectl get gateway g -n a -o yaml > g.yaml && kubectl delete gateway g -n a",
            [{"delete": {"object": "Gateway.networking.istio.io a/g"}}],
        ),
        (
            "kubectl delete gateways.gateway.networking.k8s.io g -n a",
            [{"delete": {"object": "Gateway.gateway.networking.k8s.io a/g"}}],
        ),
        (
            """echo '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}' | """
            "kubectl apply -f -",
            [{"apply": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}}],
        ),
        (
            "kubectl apply -f - <<'EOF'\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nEOF",
            [{"apply": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}}],
        ),
    ],
)
def test_commands_become_edits(command: str, edits: object) -> None:
    assert edits_of(command) == edits


@pytest.mark.parametrize(
    "command",
    [
        "",
        "istioctl waypoint apply -n a",
        "kubectl edit service a -n b",
        "kubectl get service a -n b -o yaml > a.yaml",
        "kubectl get cm a -o yaml | sed s/a/b/ | kubectl apply -f -",
        "kubectl get service a -n b -o yaml > a.yaml && kubectl edit service a -n b",
        "kubectl delete service a -n b && reboot",
        "kubectl delete service",
        "kubectl delete nonsense a",
        "kubectl delete nonsense/a",
        "kubectl scale deployment/a -n b --replicas=many",
        "kubectl scale deployment/a -n b",
        "kubectl label namespace a",
        "kubectl label namespace a nonsense",
        "kubectl patch service a -n b -p '{'",
        "kubectl patch service a -n b -p 'unclosed",
        "kubectl set env deployment/a B=c",
        "echo nothing | kubectl apply -f -",
        "kubectl apply -f - <<'EOF'\n- a\nEOF",
    ],
)
def test_what_is_more_than_an_edit_is_none(command: str) -> None:
    assert edits_of(command) is None


@pytest.mark.parametrize("name", [one.id for one in drills()])
def test_the_edits_of_drills_come_back_from_their_own_commands(name: str) -> None:
    drill = next(one for one in drills() if one.id == name)
    for fix in drill.fixes:
        for edit in fix.edits:
            words, given = edit.kubectl()
            told = f"kubectl {shlex.join(words)}"
            if given:
                told = f"kubectl apply -f - <<'EOF'\n{given.strip()}\nEOF"
            (back,) = parse_edits(edits_of(told))
            assert (back.verb, back.target) == (edit.verb, edit.target)
            kind = {"type": edit.settings.get("type", "merge")} if edit.verb == "patch" else {}
            assert dict(back.settings) == {**edit.settings, **kind}
