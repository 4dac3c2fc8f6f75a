"""The least role that meshdoctor can work with, as YAML that says why each line is there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.collect.rights import URLS, Right, chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NAME = "meshdoctor"
"""Of every object that is printed."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Whom the role is bound to."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class RoleOptions:
    """Which variant of the role is wanted."""

    port_forward: bool = True
    """False: exec of the fixed request commands instead."""
    secrets: bool = True
    namespaces: tuple[str, ...] = ()
    """What is in a namespace only in these; empty for the whole cluster."""
    service_account: ServiceAccount | None = None


def _rules(rights: Iterable[Right]) -> Iterator[str]:
    """Rules, one for each API group and set of verbs, with a line of why for each resource."""
    verbs: dict[tuple[str, str], list[str]] = defaultdict(list)
    why: dict[tuple[str, str], str] = {}
    for right in rights:
        key = right.group, right.rule_resource
        verbs[key] += [verb for verb in right.verbs if verb not in verbs[key]]
        why.setdefault(key, right.why)
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), asked in verbs.items():
        grouped[group, tuple(asked)].append(resource)
    for (group, together), resources in sorted(grouped.items()):
        yield from (f"  # {resource}: {why[group, resource]}" for resource in resources)
        yield f'  - apiGroups: ["{group}"]'
        yield f"    resources: [{', '.join(resources)}]"
        yield f"    verbs: [{', '.join(together)}]"


def _url_rules() -> Iterator[str]:
    for right in URLS:
        yield f"  # {right.why}"
        paths = ", ".join(f'"{path}"' for path in right.paths)
        yield f"  - nonResourceURLs: [{paths}]"
        yield "    verbs: [get]"


def _head(kind: str, namespace: str = "") -> Iterator[str]:
    yield "---"
    yield "apiVersion: rbac.authorization.k8s.io/v1"
    yield f"kind: {kind}"
    yield "metadata:"
    yield f"  name: {NAME}"
    if namespace:
        yield f"  namespace: {namespace}"


def _binding(kind: str, account: ServiceAccount, namespace: str = "") -> Iterator[str]:
    yield from _head(f"{kind}Binding", namespace)
    yield "roleRef:"
    yield "  apiGroup: rbac.authorization.k8s.io"
    yield f"  kind: {kind}"
    yield f"  name: {NAME}"
    yield "subjects:"
    yield "  - kind: ServiceAccount"
    yield f"    name: {account.name}"
    yield f"    namespace: {account.namespace}"


def _intro(options: RoleOptions) -> Iterator[str]:
    yield "# What meshdoctor reads, and why (docs/rights.md). Nothing here changes an object:"
    if options.port_forward:
        yield "# create on pods/portforward opens a connection to a pod's admin port, for a GET;"
    else:
        yield "# create on pods/exec is for 'pilot-agent request GET' and 'pilot-discovery request"
        yield "# GET'; RBAC cannot limit it to these: meshdoctor itself refuses any other command;"
    yield "# get is what a WebSocket is authorized as; Kubernetes asks for create too since 1.35."
    if options.namespaces:
        yield "# What lies in other namespaces stays unread: conclusions that need it are unknown."
    if options.secrets:
        yield "# Secrets are read by name, never listed, and keys are dropped before they are kept;"
        yield "# --no-secrets leaves them out."


def manifest(options: RoleOptions) -> Sequence[str]:
    """The role (and what binds it, where a service account is named), line by line."""
    rights = chosen(port_forward=options.port_forward, secrets=options.secrets)
    local = [right for right in rights if options.namespaces and right.namespaced]
    everywhere = [right for right in rights if right not in local]
    lines = list(_intro(options))
    lines += [*_head("ClusterRole"), "rules:", *_rules(everywhere), *_url_rules()]
    account = options.service_account
    if account is not None:
        lines += _binding("ClusterRole", account)
    for namespace in options.namespaces:
        lines += [*_head("Role", namespace), "rules:", *_rules(local)]
        if account is not None:
            lines += _binding("Role", account, namespace)
    return lines
