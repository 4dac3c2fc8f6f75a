"""Kubernetes' quantities: ``500m``, ``2``, ``1Gi`` (apimachinery, ``resource.Quantity``)."""

from __future__ import annotations

import re

_FORM = re.compile(r"(?P<number>[+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?P<suffix>[A-Za-z]*(?:[+-]?\d+)?)")
_SUFFIXES = {
    "": 1.0,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
}


def quantity(text: object) -> float | None:
    """A quantity as a number in its base unit (cores, bytes, pieces); None when it is none."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    suffix = found["suffix"]
    if suffix in _SUFFIXES:
        return float(found["number"]) * _SUFFIXES[suffix]
    try:
        return float(found["number"] + suffix)
    except ValueError:
        return None


def quantity_text(value: float) -> str:
    """The shortest common form of a number of cores, bytes or pieces."""
    for suffix in ("Gi", "Mi"):
        if value >= _SUFFIXES[suffix] and (value / _SUFFIXES[suffix]).is_integer():
            return f"{int(value / _SUFFIXES[suffix])}{suffix}"
    return str(int(value)) if value.is_integer() else f"{round(value * 1000)}m"
