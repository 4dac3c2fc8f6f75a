"""Label selectors in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Mapping


def _expression_words(expression: Mapping[str, Any]) -> str:
    key = str(expression.get("key"))
    values = [str(value) for value in as_list(expression.get("values"))]
    match expression.get("operator"), values:
        case "In", [value]:
            return f"{key}={value}"
        case "In", _:
            return f"{key} in ({', '.join(values)})"
        case "NotIn", [value]:
            return f"{key} not {value}"
        case "NotIn", _:
            return f"{key} not in ({', '.join(values)})"
        case "Exists", _:
            return f"with {key}"
        case "DoesNotExist", _:
            return f"without {key}"
    return f"{key} {expression.get('operator')} ({', '.join(values)})"


def selector_words(selector: object) -> str:
    """A ``LabelSelector`` as a person would say it; ``any`` when it selects everything."""
    chosen = as_mapping(selector)
    words = [f"{k}={v}" for k, v in sorted(as_strings(chosen.get("matchLabels")).items())]
    words += [
        _expression_words(as_mapping(item)) for item in as_list(chosen.get("matchExpressions"))
    ]
    return " and ".join(words) or "any"
