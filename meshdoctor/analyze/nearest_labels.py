"""Which labels were probably meant: the workload, label or subset nearest to one that is wrong."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.workload import Workload

_ALIKE = 0.6
"""Words at least this similar (Ratcliff-Obershelp) may be one another's misspelling."""
_NAMED_ALIKE = 1.0


def likeness(one: str, other: str) -> float:
    """How alike two words are, 0 to 1."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def nearest_word(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like a word; None when none is alike."""
    scored = sorted((-likeness(word, item), item) for item in set(candidates))
    return scored[0][1] if scored and -scored[0][0] >= _ALIKE else None


def _score(wanted: Mapping[str, str], labels: Mapping[str, str]) -> float:
    score = 0.0
    for key, value in wanted.items():
        if labels.get(key) == value:
            score += 2.0
        elif key in labels and (alike := likeness(labels[key], value)) >= _ALIKE:
            score += alike
        elif value in labels.values():
            score += _ALIKE
    return score


def nearest_workload(
    wanted: Mapping[str, str], name: str, workloads: Iterable[Workload]
) -> Workload | None:
    """The workload whose pods a selector probably means.

    Args:
        wanted: the labels asked for.
        name: the Service's name, which workloads are often named after.
        workloads: candidates.

    Returns:
        The most alike by labels and name; None when nothing is alike.
    """
    scored: list[tuple[float, str, Workload]] = []
    for workload in workloads:
        labels = workload.template_labels
        score = _score(wanted, labels)
        if workload.name == name or workload.name.startswith(f"{name}-") or name in labels.values():
            score += _NAMED_ALIKE
        if score > 0:
            scored.append((-score, workload.name, workload))
    return min(scored, key=lambda item: item[:2])[2] if scored else None
