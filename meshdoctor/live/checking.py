"""What ``check`` needs of a live cluster: what may be read, and what there is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.collect.pod_ways import ways
from meshdoctor.collect.preflight import preflight
from meshdoctor.live.loop import run
from meshdoctor.live.mesh_reader import MeshReader

if TYPE_CHECKING:
    from meshdoctor.collect.preflight import Preflight
    from meshdoctor.live.options import LiveOptions
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener

_SAMPLE = 20
"""Proxies whose certificates are looked at, unless more are asked for."""


def read_for_check(options: LiveOptions, listener: Listener) -> tuple[Snapshot | None, Preflight]:
    """Find out what may be read, then read what checks look at: no logs, a sample of proxies.

    Returns:
        What was read, None when the cluster cannot be reached; and what was found out first.

    Raises:
        SourceError: there is no kubeconfig that can be used, or the time was up before it was
            known what may be read.
    """
    return run(_read(options, listener))


async def _read(options: LiveOptions, listener: Listener) -> tuple[Snapshot | None, Preflight]:
    sampled = options.max_proxies or _SAMPLE
    reader = MeshReader(replace(options, max_proxies=sampled, logs=False))
    reader.intake.listener = listener
    async with reader.transport() as api:
        seconds = options.cluster.request_timeout
        async with reader.in_time("it was known what may be read"):
            found = await preflight(
                api,
                namespaces=options.namespaces,
                istio_namespace=options.istio_namespace,
                ways=ways(allow_port_forward=options.port_forward, seconds=seconds),
            )
        if not found.server.lets_one_in:
            return None, found
        await reader.collect_all(api, listener)
        return reader.snapshot(), found
