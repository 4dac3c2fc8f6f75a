"""Read some pods again: proxies whose configuration changed, istiods, ztunnels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.pod_jobs import PodJobs
from meshdoctor.collect.stages import Stages
from meshdoctor.collect.ways import Ways
from meshdoctor.collect.work import run_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.collect.api import KubeApi, Sink
    from meshdoctor.collect.options import CollectOptions
    from meshdoctor.model.resource import Resource


class Rereading:
    """Reads pods as a collection would, and remembers which way leads into them."""

    def __init__(self, api: KubeApi, sink: Sink, options: CollectOptions) -> None:
        """Nothing is read yet.

        Args:
            api: the cluster.
            sink: where everything goes.
            options: as for the collection.
        """
        ways = Ways(api, options.port_forward, options.request_timeout)
        self._jobs = PodJobs(api, ways, sink, options)
        self._sink = sink
        self._workers = options.workers

    async def read(self, pods: Sequence[Resource]) -> None:
        """Read what these pods say now, and their logs.

        Args:
            pods: proxies', istiods' and ztunnels'; others say nothing.

        Raises:
            CancelledError: it was stopped; what was read is in the sink.
        """
        jobs = self._jobs.of(pods)
        stages = Stages(self._sink)
        for job in jobs:
            stages.expect(job.stage, 1)
        await run_jobs(jobs, self._workers, self._sink, stages)
