"""Whether settings of an application say that it takes its time before it answers.

No object says how fast an application is; one that is told to wait (``DELAY``, ``SLEEP``,
``LATENCY`` in its environment) likely does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.pod import PROXY_CONTAINER, containers
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource

_NAME = re.compile(r"(?:^|_)(DELAY|SLEEP|LATENCY)(?:_(MS|MILLIS|SECONDS|S|SEC))?$")
_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_MILLISECONDS = ("MS", "MILLIS")


@dataclass(frozen=True, slots=True)
class Slow:
    """An application that is told to wait."""

    pod: Resource
    text: str
    evidence: tuple[Evidence, ...]


def _seconds(name: str, value: str) -> float | None:
    found, time = _NAME.search(name.upper()), _TIME.fullmatch(value.strip())
    if found is None or time is None:
        return None
    unit = time[2] or ("ms" if found[2] in _MILLISECONDS else "s")
    return float(time[1]) * _UNITS[unit]


def slow_answer(pods: tuple[Resource, ...], limit: float) -> Slow | None:
    """The first of some pods whose environment tells it to wait as long as a limit, or longer.

    Args:
        pods: the servers.
        limit: seconds.
    """
    for pod in pods:
        for path, container in containers(pod):
            if path[1] != "containers" or container.get("name") == PROXY_CONTAINER:
                continue
            for index, value in enumerate(as_list(container.get("env"))):
                item = as_mapping(value)
                name, text = str(item.get("name") or ""), str(item.get("value") or "")
                seconds = _seconds(name, text)
                # Whoever waits as long as the limit has not answered when it is over.
                if seconds is not None and seconds >= limit:
                    shown = pod.evidence(*path, "env", index, "value")
                    return Slow(pod, f"{pod.name} is told to wait ({name}={text})", (shown,))
    return None
