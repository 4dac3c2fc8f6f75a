"""The tables of ``playbooks/pasted``: what people paste, and what it means."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def pasted_table(name: str) -> tuple[dict[str, Any], ...]:
    """The entries of one table, in the file's order.

    Args:
        name: of the file, without ``.yaml``.
    """
    text = files("playbooks").joinpath("pasted", f"{name}.yaml").read_text(encoding="utf-8")
    return tuple(yaml.load(text, Loader=yaml.CSafeLoader))
