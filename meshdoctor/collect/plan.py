"""Which proxies are read, in which order, and why the others are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.collect.label_selector import matches, parse_selector
from meshdoctor.collect.plan_names import Ends, host_of, pods_named, workloads_of
from meshdoctor.collect.proxy_pods import proxy_pods, why_not_asked
from meshdoctor.collect.sampling import spread
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asked; empty fields ask for everything."""

    namespaces: tuple[str, ...] = ()
    """Proxies of these namespaces, and gateways anywhere."""
    selector: str | None = None
    """Pods with these labels, written as kubectl's ``-l``."""
    source: str | None = None
    """The caller: ``pod[.namespace]``, ``deploy/name``, or ``gateway``."""
    to: str | None = None
    """The destination: ``host[:port][/path]`` or a URL."""
    pod: str | None = None
    """One pod or workload."""
    max_proxies: int | None = None
    """No more than these: a spread sample."""


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """Which proxies are read."""

    pods: tuple[Resource, ...]
    """In the order in which they are read: gateways first, then a fair sample at any time."""
    total: int
    """How many proxies there are that could be read."""
    left_out: tuple[tuple[str, int], ...] = ()
    """Why others are left out, and how many for each reason."""
    idle: tuple[tuple[Resource, str], ...] = ()
    """Proxies that were wanted and cannot be asked, and why: a fact about the pod."""

    def __str__(self) -> str:
        """``12 of 340 proxies (328 not in namespaces shop)``."""
        why = "; ".join(f"{count} {reason}" for reason, count in self.left_out)
        return f"{len(self.pods)} of {self.total} proxies" + (f" ({why})" if why else "")

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of each pod that is read."""
        return frozenset((pod.namespace, pod.name) for pod in self.pods)


def plan_proxies(
    question: Question,
    pods: Sequence[Resource],
    services: Sequence[Resource] = (),
    virtual_services: Sequence[Resource] = (),
) -> ProxyPlan:
    """Choose the proxies that matter to a question.

    Args:
        question: what was asked.
        pods: all of them.
        services: all of them; only a question with a destination looks at them.
        virtual_services: all of them, for the same: they lead calls to other Services.

    Returns:
        The plan; empty when nothing that was named exists.

    Raises:
        SelectorError: the selector cannot be read.
    """
    proxies = proxy_pods(pods)
    ends = Ends(pods, services, virtual_services, workloads_of(pods))
    wanted, reason = _wanted(question, proxies, ends)
    asked = [(pod, why_not_asked(pod)) for pod in proxies]
    able = [pod for pod, why in asked if why is None]
    chosen = [pod for pod in able if (pod.namespace, pod.name) in wanted]
    ordered = spread(chosen, ends.workloads)
    left_out = [(reason, len(able) - len(chosen))]
    if question.max_proxies is not None and question.max_proxies < len(ordered):
        left_out.append(("left out of the sample", len(ordered) - question.max_proxies))
        ordered = ordered[: question.max_proxies]
    return ProxyPlan(
        pods=tuple(sorted(ordered, key=lambda pod: not is_gateway(pod))),
        total=len(able),
        left_out=tuple((why, count) for why, count in left_out if count),
        idle=tuple((pod, why) for pod, why in asked if why and (pod.namespace, pod.name) in wanted),
    )


def _names(pods: Iterable[Resource]) -> set[tuple[str, str]]:
    return {(pod.namespace, pod.name) for pod in pods}


def _wanted(
    question: Question, proxies: Sequence[Resource], ends: Ends
) -> tuple[set[tuple[str, str]], str]:
    """Names of the pods that are wanted, and why a pod is not."""
    if question.pod:
        named = pods_named(question.pod, ends.pods, ends.workloads, question.namespaces)
        return _names(named), f"not of {question.pod}"
    if question.source:
        return _on_the_way(question.source, question, proxies, ends)
    wanted, reasons = list(proxies), list[str]()
    if question.namespaces:
        wanted = [p for p in wanted if p.namespace in question.namespaces or is_gateway(p)]
        reasons.append(f"not in {', '.join(question.namespaces)}")
    if question.selector:
        terms = parse_selector(question.selector)
        wanted = [pod for pod in wanted if matches(terms, pod.labels)]
        reasons.append(f"without labels {question.selector}")
    # Any of these may be who calls: a destination alone leaves none out, it adds its own pods.
    called = ends.pods_called(question.to, question.namespaces) if question.to else ()
    return _names((*wanted, *called)), " or ".join(reasons)


def _on_the_way(
    source: str, question: Question, proxies: Sequence[Resource], ends: Ends
) -> tuple[set[tuple[str, str]], str]:
    """Both ends of a call, and the gateways where one of them may be on the way."""
    callers = ends.pods_calling(source, question.namespaces)
    wanted = _names(callers)
    if not question.to:
        # It may call any of the others, and what they say of its calls decides.
        return (_names(proxies) if callers else wanted), f"not of {source}"
    near = sorted({pod.namespace for pod in callers}) or question.namespaces
    called = ends.pods_called(question.to, near)
    wanted |= _names(called)
    if not called:
        # A host that is no Service's may be one that a gateway serves or leads to.
        wanted |= _names(pod for pod in proxies if is_gateway(pod))
    return wanted, f"not on the way from {source} to {host_of(question.to)}"
