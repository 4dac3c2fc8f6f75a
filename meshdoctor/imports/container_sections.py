"""The logs of a pod in one file, as ``kubectl cluster-info dump`` writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = re.compile(rb"(?m)^==== START logs for container (\S+) of pod (\S+?)/(\S+) ====\r?\n")
_END = b"==== END logs for container "


@dataclass(frozen=True, slots=True)
class Section:
    """One container's log."""

    namespace: str
    pod: str
    container: str
    data: bytes


def sections(data: bytes) -> Iterator[Section]:
    """The logs in a file; one whose end is missing goes on to the end of the file.

    Args:
        data: the file.
    """
    starts = list(_START.finditer(data))
    for number, match in enumerate(starts):
        following = starts[number + 1].start() if number + 1 < len(starts) else len(data)
        end = data.rfind(_END, match.end(), following)
        container, namespace, pod = (part.decode("utf-8", "replace") for part in match.groups())
        yield Section(namespace, pod, container, data[match.end() : end if end >= 0 else following])
