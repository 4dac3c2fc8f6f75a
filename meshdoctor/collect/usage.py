"""Read CPU and memory as the metrics API has them, where a cluster serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.artifact import Artifact

if TYPE_CHECKING:
    from meshdoctor.collect.api import KubeApi, Sink

API = "metrics.k8s.io/v1beta1"
RESOURCES = ("pods", "nodes")
_NOT_SERVED = (404, 503)
"""No metrics server is installed, or it is registered and does not run."""


async def read_usage(api: KubeApi, sink: Sink) -> None:
    """Read what pods and nodes use now; a cluster without metrics says nothing.

    Args:
        api: the cluster.
        sink: where it goes.
    """
    for resource in RESOURCES:
        path = f"kubernetes/{API}/{resource}.json"
        try:
            answer = await api.get(f"/apis/{API}/{resource}")
        except ReadError as error:
            if error.http_status in _NOT_SERVED:
                return
            sink.miss(path, error)
            continue
        sink.keep(Artifact(path, answer.body))
