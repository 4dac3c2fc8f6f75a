"""What Kubernetes would allow: RBAC as its authorizer evaluates it, over printed roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.serve.request_info import RequestInfo, request_info

if TYPE_CHECKING:
    from collections.abc import Mapping

_STREAMS = ("exec", "portforward", "attach")


def asked_by(method: str, path: str, query: Mapping[str, str]) -> tuple[RequestInfo, ...]:
    """Everything that is authorized for one HTTP request.

    A WebSocket into a pod is a GET, and since Kubernetes 1.35 ``create`` is asked for as well.
    """
    first = request_info(method, path, query)
    if first.subresource not in _STREAMS:
        return (first,)
    return (first, request_info("POST", path, query))


@dataclass(frozen=True)
class Roles:
    """Printed roles and what they allow (Kubernetes' plugin/pkg/auth/authorizer/rbac)."""

    objects: list[dict[str, Any]]

    def rule_for(self, asked: RequestInfo) -> tuple[str, str, str] | None:
        """The rule that allows a request, as verb, group and resource; None when none does."""
        for item in self.objects:
            if item["kind"] == "Role" and item["metadata"]["namespace"] != asked.namespace:
                continue
            for rule in item.get("rules", ()):
                if _matches(rule, asked):
                    return asked.verb, asked.group, asked.target
        return None

    def allows(self, asked: RequestInfo) -> bool:
        """Whether a request is allowed."""
        return self.rule_for(asked) is not None

    @property
    def granted(self) -> set[tuple[str, str, str]]:
        """Every verb, group and resource that some role grants."""
        return {
            (verb, group, resource)
            for item in self.objects
            for rule in item.get("rules", ())
            for verb in rule["verbs"]
            for group in rule.get("apiGroups", ())
            for resource in rule.get("resources", ())
        }


def _has(rule: Mapping[str, list[str]], key: str, value: str) -> bool:
    return value in rule.get(key, ()) or "*" in rule.get(key, ())


def _matches(rule: Mapping[str, list[str]], asked: RequestInfo) -> bool:
    if not _has(rule, "verbs", asked.verb):
        return False
    if not asked.resource:
        return any(
            path in ("*", asked.path) or (path.endswith("*") and asked.path.startswith(path[:-1]))
            for path in rule.get("nonResourceURLs", ())
        )
    names = rule.get("resourceNames")
    return (
        _has(rule, "apiGroups", asked.group)
        and _has(rule, "resources", asked.target)
        and (not names or asked.name in names)
    )
