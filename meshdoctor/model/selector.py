"""Label selectors, evaluated as the API server does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Mapping


def matches_labels(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether every wanted label is there with that value (an empty wish matches all)."""
    return all(labels.get(key) == value for key, value in wanted.items())


def _matches_expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key = expression.get("key")
    values = as_list(expression.get("values"))
    value = labels.get(key) if isinstance(key, str) else None
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def matches_selector(selector: object, labels: Mapping[str, str]) -> bool:
    """Evaluate a ``LabelSelector`` (matchLabels and matchExpressions, all must hold).

    An absent or empty selector matches everything, as ``metav1.LabelSelector`` documents.
    """
    chosen = as_mapping(selector)
    return matches_labels(as_strings(chosen.get("matchLabels")), labels) and all(
        _matches_expression(as_mapping(item), labels)
        for item in as_list(chosen.get("matchExpressions"))
    )
