"""Whether a container that was killed for memory is killed again under the limit that it has now.

How much it needs is not in a recording, only that its limit was too small: a little more is taken
to be too little as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.memory_kills import killed_for_memory, memory_limit
from meshdoctor.drill.pods import as_pod
from meshdoctor.model.pod import ISTIOD_CONTAINER
from meshdoctor.model.quantity import quantity
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from meshdoctor.serve.object_store import Object

_TIMES = 2
"""As much again as it was killed at is taken to do."""
_ISTIOD_NEEDS = 100 * 2**20
"""An istiod of an empty mesh needs some 100 MiB."""


def is_killed_again(container: Mapping[str, Any], recorded: Object) -> bool:
    """Whether the kernel kills a container once more.

    Args:
        container: as it is started now.
        recorded: a pod of the same workload, as it fared before.
    """
    name = str(container.get("name"))
    before = as_pod(recorded)
    kill, was = killed_for_memory(before, name), memory_limit(before, name)
    if kill is None or kill.runs_again or was is None:
        return False
    limits = as_mapping(as_mapping(container.get("resources")).get("limits"))
    limit = quantity(limits.get("memory"))
    least = _ISTIOD_NEEDS if name == ISTIOD_CONTAINER else 0
    return limit is not None and limit < max(_TIMES * was.bytes, least)
