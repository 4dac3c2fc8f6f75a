"""A spread sample of proxies: every workload before any workload's second pod."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.workload import Workloads

T = TypeVar("T")


def take_turns(groups: Iterable[Sequence[T]]) -> tuple[T, ...]:
    """The first of each group, then the second of each, and so on."""
    turns = zip_longest(*([(item,) for item in group] for group in groups), fillvalue=())
    return tuple(chain.from_iterable(chain.from_iterable(turns)))


def _grouped(items: Iterable[T], keys: Iterable[Hashable]) -> list[list[T]]:
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for item, key in zip(items, keys, strict=True):
        groups[key].append(item)
    return list(groups.values())


def spread(pods: Sequence[Resource], workloads: Workloads) -> tuple[Resource, ...]:
    """All the pods, in an order of which any beginning is a fair sample.

    Workloads take turns, and within each turn namespaces do; the order is the same for the same
    pods for ever.

    Args:
        pods: sorted.
        workloads: what owns them.
    """
    by_workload = _grouped(pods, [str(workloads.owning(pod)) for pod in pods])
    most = max((len(group) for group in by_workload), default=0)
    chosen: list[Resource] = []
    for turn in range(most):
        row = [group[turn] for group in by_workload if turn < len(group)]
        chosen += take_turns(_grouped(row, [pod.namespace for pod in row]))
    return tuple(chosen)
