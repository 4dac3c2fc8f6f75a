"""Control planes, injection webhooks and pods, as the istiod chart makes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.build import deployment, namespace, pod

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot

INJECT = "sidecar.istio.io/inject"
REV = "istio.io/rev"
INJECTION = "istio-injection"


def _expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def _entry(name: str, on_namespace: list[Any], on_pod: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "name": f"{name}.sidecar-injector.istio.io",
        "clientConfig": {
            "service": {"namespace": "istio-system", "name": "istiod"},
            "caBundle": "Y2E=",
        },
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]}],
        "failurePolicy": "Fail",
        "namespaceSelector": {"matchExpressions": on_namespace},
        "objectSelector": {"matchExpressions": on_pod},
        **more,
    }


def injector(
    revision: str = "default",
    *,
    name: str | None = None,
    tag: str = "",
    default: bool | None = None,
    deactivated: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """The MutatingWebhookConfiguration of a revision or tag.

    Args:
        revision: the control plane behind it.
        name: the configuration's name; the chart's unless given.
        tag: the tag it stands for.
        default: whether it serves istio-injection=enabled; where it is the default, by default.
        deactivated: whether istioctl switched it off.
        more: further fields of every entry.
    """
    asked = tag or revision
    chart = f"istio-revision-tag-{tag}" if tag else "istio-sidecar-injector"
    if not tag and revision != "default":
        chart += f"-{revision}"
    kept = _expression(INJECT, "NotIn", "false")
    plain = [_expression(REV, "DoesNotExist"), _expression(INJECTION, "DoesNotExist")]
    entries = [
        _entry(
            "rev.namespace",
            [_expression(REV, "In", asked), _expression(INJECTION, "DoesNotExist")],
            [kept],
            **more,
        ),
        _entry("rev.object", plain, [kept, _expression(REV, "In", asked)], **more),
    ]
    if asked == "default" if default is None else default:
        enabled = [_expression(INJECTION, "In", "enabled")]
        wished = [_expression(INJECT, "In", "true"), _expression(REV, "DoesNotExist")]
        entries.append(_entry("namespace", enabled, [kept], **more))
        entries.append(_entry("object", plain, wished, **more))
    if deactivated:
        off = {"matchLabels": {"istio.io/deactivated": "never-match"}}
        entries = [{**item, "namespaceSelector": off, "objectSelector": off} for item in entries]
    labels = {"app": "sidecar-injector", REV: revision, **({"istio.io/tag": tag} if tag else {})}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name or chart, "labels": labels},
        "webhooks": entries,
    }


def control_plane(
    revision: str = "default", *, pods: int = 1, ready: bool = True
) -> list[dict[str, Any]]:
    """istiod's Deployment and pods."""
    name = "istiod" if revision == "default" else f"istiod-{revision}"
    labels = {"app": "istiod", REV: revision, INJECT: "false"}
    install = deployment(name, "istio-system", labels=labels, replicas=pods)
    install["metadata"]["labels"] = labels
    install["spec"]["template"]["spec"]["containers"] = [{"name": "discovery"}]
    made = []
    for number in range(pods):
        item = pod(f"{name}-{number}", "istio-system", owner=name, labels=dict(labels), proxy=None)
        item["spec"]["containers"] = [{"name": "discovery"}]
        running = {"running": {"startedAt": "2026-11-21T07:00:00Z"}}
        item["status"]["containerStatuses"] = [{"name": "discovery", "state": running}]
        item["status"]["conditions"] = [
            {
                "type": "Ready",
                "status": "True" if ready else "False",
                "lastTransitionTime": "2026-11-21T07:00:05Z",
            }
        ]
        made.append(item)
    return [install, *made]


def injector_values(revision: str = "default", **proxy: Any) -> dict[str, Any]:
    """The ConfigMap with the injector's values; ``never`` and ``always`` are selectors."""
    never, always = proxy.pop("never", []), proxy.pop("always", [])
    values = {
        "global": {"proxy": {"autoInject": "enabled", **proxy}},
        "sidecarInjectorWebhook": {"neverInjectSelector": never, "alwaysInjectSelector": always},
    }
    suffix = "" if revision == "default" else f"-{revision}"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"istio-sidecar-injector{suffix}", "namespace": "istio-system"},
        "data": {"values": json.dumps(values)},
    }


def labelled(name: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A Namespace with these labels."""
    return {**namespace(name), "metadata": {"name": name, "labels": dict(labels or {})}}


def app(
    name: str,
    space: str = "shop",
    *,
    proxy: str | None = None,
    revision: str = "default",
    created: str = "2026-11-21T07:30:00Z",
    pod_labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **template_spec: Any,
) -> list[dict[str, Any]]:
    """A Deployment and its pod, without a sidecar unless told."""
    labels = {"app": name, "version": "v1", **(pod_labels or {})}
    install = deployment(name, space, labels=dict(labels), **template_spec)
    install["spec"]["template"]["metadata"]["annotations"] = dict(annotations or {})
    made = pod(f"{name}-abc-xyz", space, owner=name, labels=labels, proxy=proxy, **template_spec)
    made["metadata"]["creationTimestamp"] = created
    found = made["metadata"].setdefault("annotations", {})
    if proxy:
        found["istio.io/rev"] = revision
    found.update(annotations or {})
    return [install, made]


def verdicts(analyzer: Analyzer, mesh: Snapshot) -> set[tuple[str, str, str, str]]:
    """What does not pass: code, outcome, subject and the object at fault, with ``note`` for those
    that name no root cause."""
    return {
        (
            item.code,
            item.outcome.value if item.root else f"{item.outcome.value} note",
            item.subject,
            (item.objects or (item.resource,))[0],
        )
        for item in analyzer.analyze(mesh)
        if item.outcome.value != "pass"
    }


def passes(analyzer: Analyzer, mesh: Snapshot) -> set[tuple[str, str]]:
    """Code and subject of what passes."""
    return {
        (item.code, item.subject) for item in analyzer.analyze(mesh) if item.outcome.value == "pass"
    }


def failing(analyzer: Analyzer, mesh: Snapshot, code: str) -> list[Finding]:
    """The findings of a code that do not pass."""
    return [
        item
        for item in analyzer.analyze(mesh)
        if item.code == code and item.outcome.value in ("fail", "warn")
    ]


def facts(finding: Finding) -> dict[str, str]:
    """State of each fact of a finding, by its id."""
    return {fact.id: fact.state.value for fact in finding.facts}


def every(*groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """All objects of these groups."""
    return [item for group in groups for item in group]
