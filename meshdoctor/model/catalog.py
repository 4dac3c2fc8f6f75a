"""The objects of a snapshot, with indexes built once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import POD
from meshdoctor.model.not_read import ReadState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every object read, by kind, by namespace and name, and pods by label."""

    _by_kind: Mapping[Kind, tuple[Resource, ...]]
    _states: Mapping[Kind, ReadState]
    _by_name: Mapping[tuple[Kind, str, str], Resource]
    _by_namespace: Mapping[tuple[Kind, str], tuple[Resource, ...]]
    _pods_by_label: Mapping[tuple[str, str, str], tuple[Resource, ...]] = field(repr=False)

    @classmethod
    def build(cls, resources: Iterable[Resource], states: Mapping[Kind, ReadState]) -> Catalog:
        """Index the resources; kinds without a state count as unread."""
        by_kind: dict[Kind, list[Resource]] = defaultdict(list)
        for resource in sorted(resources, key=lambda item: (item.namespace, item.name)):
            by_kind[resource.kind].append(resource)
        by_name = {(r.kind, r.namespace, r.name): r for rs in by_kind.values() for r in rs}
        by_namespace: dict[tuple[Kind, str], list[Resource]] = defaultdict(list)
        for kind, items in by_kind.items():
            for item in items:
                by_namespace[kind, item.namespace].append(item)
        by_label: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
        for pod in by_kind.get(POD, ()):
            for key, value in pod.labels.items():
                by_label[pod.namespace, key, value].append(pod)
        return cls(
            _by_kind={kind: tuple(items) for kind, items in by_kind.items()},
            _states=dict(states),
            _by_name=by_name,
            _by_namespace={key: tuple(items) for key, items in by_namespace.items()},
            _pods_by_label={key: tuple(items) for key, items in by_label.items()},
        )

    def state(self, kind: Kind) -> ReadState:
        """Whether this kind was read, is not installed, or could not be read."""
        return self._states.get(kind, ReadState.UNREAD)

    def known(self, *kinds: Kind) -> bool:
        """Whether the set of objects of all these kinds is known (read or not installed)."""
        return all(self.state(kind) is not ReadState.UNREAD for kind in kinds)

    def unread(self, *kinds: Kind) -> tuple[str, ...]:
        """The inputs among these kinds that could not be read."""
        return tuple(kind.input for kind in kinds if self.state(kind) is ReadState.UNREAD)

    def of(self, kind: Kind) -> tuple[Resource, ...]:
        """All objects of a kind, by namespace and name."""
        return self._by_kind.get(kind, ())

    def find(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """One object; None when it was not read or does not exist."""
        return self._by_name.get((kind, namespace, name))

    def within(self, kind: Kind, namespace: str) -> tuple[Resource, ...]:
        """The objects of a kind in one namespace, by name."""
        return self._by_namespace.get((kind, namespace), ())

    def pods_matching(self, namespace: str, labels: Mapping[str, str]) -> tuple[Resource, ...]:
        """Pods of a namespace that carry all these labels; none for an empty selector.

        A Service without a selector selects nothing (core/v1 ServiceSpec.selector).
        """
        candidates: tuple[Resource, ...] | None = None
        for key, value in labels.items():
            found = self._pods_by_label.get((namespace, key, value), ())
            if candidates is None or len(found) < len(candidates):
                candidates = found
        return tuple(
            pod
            for pod in candidates or ()
            if all(pod.labels.get(key) == value for key, value in labels.items())
        )
