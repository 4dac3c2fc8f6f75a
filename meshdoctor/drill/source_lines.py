"""Where in a drill's file something stands, so that lint can name the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable


class SourceLines:
    """The lines of one YAML file."""

    def __init__(self, text: str) -> None:
        """Read it.

        Args:
            text: YAML that can be loaded.
        """
        self._root = yaml.compose(text, Loader=yaml.CSafeLoader)

    def line_of(self, path: Iterable[str | int]) -> int:
        """The line, from 1, of what a path leads to, or of the last part of it that is there.

        Args:
            path: keys and indexes, from the document on.
        """
        node, line = self._root, 1
        for part in path:
            if isinstance(node, yaml.MappingNode):
                pairs = {key.value: (key, value) for key, value in node.value}
                if part not in pairs:
                    break
                key, node = pairs[part]
                line = key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                if part >= len(node.value):
                    break
                node = node.value[part]
                line = node.start_mark.line + 1
        return line
