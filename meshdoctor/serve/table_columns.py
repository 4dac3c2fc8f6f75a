"""What the columns of built-in kinds are made of (kubernetes/pkg/printers/internalversion)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.durations import age

if TYPE_CHECKING:
    from collections.abc import Iterable

Object = Mapping[str, Any]
Cells = list[Any]
NONE = "<none>"


@dataclass(frozen=True, slots=True)
class Printer:
    """How one kind is shown."""

    columns: tuple[str, ...]
    """Names; one that ends in ``+`` is shown with ``-o wide`` only, one in ``#`` is a number."""
    cells: Callable[[Object, datetime], Cells]
    """One row, given the object and the time."""


def at(item: object, *path: str) -> Any:
    """The value at a path of keys; None where the path ends early."""
    value: Any = item
    for part in path:
        value = as_mapping(value).get(part)
    return value


def items_at(item: object, *path: str) -> list[Mapping[str, Any]]:
    """The objects in the list at a path; what else is in it is left out."""
    return [one for one in as_list(at(item, *path)) if isinstance(one, dict)]


def number_at(item: object, *path: str) -> int:
    """The whole number at a path; 0 where there is none."""
    value = at(item, *path)
    return value if isinstance(value, int) else 0


def name_of(item: Object) -> str:
    """The object's name."""
    return str(at(item, "metadata", "name") or "")


def created(item: Object, now: datetime) -> str:
    """The object's age."""
    return age(at(item, "metadata", "creationTimestamp"), now)


def joined(words: Iterable[object], nothing: str = NONE) -> str:
    """Words with commas."""
    return ",".join(str(word) for word in words) or nothing


def labels_text(labels: object) -> str:
    """``key=value`` of each, sorted."""
    return joined(f"{key}={value}" for key, value in sorted(as_mapping(labels).items()))


_OPERATORS = {"In": "in", "NotIn": "notin"}


def selector_text(selector: object) -> str:
    """A LabelSelector as ``metav1.FormatLabelSelector`` writes it."""
    terms = [f"{key}={value}" for key, value in as_mapping(at(selector, "matchLabels")).items()]
    for one in items_at(selector, "matchExpressions"):
        key, operator = one.get("key"), one.get("operator")
        if operator in _OPERATORS:
            values = ",".join(sorted(map(str, as_list(one.get("values")))))
            terms.append(f"{key} {_OPERATORS[operator]} ({values})")
        else:
            terms.append(f"!{key}" if operator == "DoesNotExist" else str(key))
    return joined(sorted(terms))


def template_cells(item: Object) -> tuple[str, str]:
    """Names and images of the containers of a pod template."""
    containers = items_at(item, "spec", "template", "spec", "containers")
    return (
        joined((one.get("name") for one in containers), ""),
        joined((one.get("image") for one in containers), ""),
    )
