"""One collection: objects, and as soon as pods are known istiods, proxies, ztunnels and logs.

Whatever is read goes to the sink at once, so that a collection that is stopped loses nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.envoy import proxy_folder
from meshdoctor.collect.external_plane import external_plane
from meshdoctor.collect.istiod import istiod_folder
from meshdoctor.collect.label_selector import parse_selector
from meshdoctor.collect.named_object_lists import read_config_maps, read_secrets
from meshdoctor.collect.named_objects import Naming, wanted_secrets
from meshdoctor.collect.needed_objects import NeededObjects
from meshdoctor.collect.object_lists import ReadList, artifact_path
from meshdoctor.collect.objects import BY_NAME, LISTED, Objects
from meshdoctor.collect.options import EVERYTHING, CollectOptions
from meshdoctor.collect.plan import ProxyPlan, plan_proxies
from meshdoctor.collect.pod_jobs import PodJobs, idle_istiods, istiod_pods, other_planes
from meshdoctor.collect.read_reasons import absent, timed_out
from meshdoctor.collect.stages import OBJECTS, Stages
from meshdoctor.collect.usage import read_usage
from meshdoctor.collect.ways import Ways
from meshdoctor.collect.work import run_jobs
from meshdoctor.model import kinds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from meshdoctor.collect.api import KubeApi, Sink
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource

ISTIO_SYSTEM = "istio-system"
_STOPPED = "interrupted"


@dataclass(frozen=True, slots=True)
class CollectSummary:
    """What a collection came to."""

    plan: ProxyPlan
    """Which proxies were read."""
    istiods: tuple[tuple[str, str], ...]
    """Namespace and name of the control plane's pods that were wanted."""
    stages: Mapping[str, tuple[int, int]]
    """How many of how many of each stage were done."""


class Collection:
    """Reads a cluster once. What it planned can be asked while it goes on, and when it ended."""

    def __init__(self, api: KubeApi, sink: Sink, options: CollectOptions) -> None:
        """Nothing is read yet.

        Args:
            api: the cluster.
            sink: where everything goes.
            options: what is wanted.

        Raises:
            SelectorError: the label selector cannot be read.
        """
        if options.question.selector:
            parse_selector(options.question.selector)
        self._api = api
        self._sink = sink
        self._options = options
        self._stages = Stages(sink)
        asked = options.question.namespaces
        home = options.istio_namespace or ISTIO_SYSTEM
        self._namespaces = tuple(dict.fromkeys((*asked, home))) if asked else ()
        self._objects = Objects(api, sink, self._stages, self._namespaces)
        self._needed = NeededObjects()
        self._unread = dict.fromkeys(kinds.ALL)
        self._plan = ProxyPlan((), 0)
        self._istiods: tuple[Resource, ...] = ()

    @property
    def summary(self) -> CollectSummary:
        """What was planned and done until now."""
        stages = self._stages
        return CollectSummary(
            self._plan,
            tuple((pod.namespace, pod.name) for pod in self._istiods),
            {stage: (stages.finished[stage], total) for stage, total in stages.totals.items()},
        )

    async def run(self) -> CollectSummary:
        """Read everything that is wanted.

        Returns:
            What it came to; what could not be read was said to the sink.

        Raises:
            CancelledError: it was stopped; what was read is in the sink, and what was not is said.
        """
        self._stages.expect(OBJECTS, len(LISTED) + len(BY_NAME) + 1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(kinds.POD))
                group.create_task(self._objects.discover())
                group.create_task(self._objects.read_version())
                for kind in LISTED:
                    if kind is not kinds.POD:
                        group.create_task(self._read(kind))
                group.create_task(self._read_pods())
                group.create_task(self._by_name(kinds.CONFIG_MAP, self._config_maps()))
                group.create_task(self._by_name(kinds.SECRET, self._secrets()))
                group.create_task(read_usage(self._api, self._sink))
        except asyncio.CancelledError as stop:
            self._say_unfinished(str(stop.args[0]) if stop.args else _STOPPED)
            raise
        return self.summary

    def _say_unfinished(self, why: str) -> None:
        """Tell the sink what was not read when the collection was ended, each kind by its name."""
        for kind in self._unread:
            self._sink.miss(kind.input, timed_out(f"not read to the end: {why}"))
        self._stages.say_unfinished(why)

    async def _read(self, kind: Kind) -> None:
        try:
            listed = await self._objects.read(kind)
            self._finish(kind, kind.input)
            self._needed.put(kind, listed)
        finally:
            self._needed.settle(kind)

    def _finish(self, kind: Kind, path: str) -> None:
        """Nothing more is to be read of a kind, whatever came of it."""
        del self._unread[kind]
        self._stages.done(OBJECTS, path)

    async def _by_name(self, kind: Kind, reading: Awaitable[ReadList | None]) -> None:
        path = artifact_path(kind, "v1")
        try:
            listed = await reading
            if listed is not None:
                self._objects.take(path, listed)
        except ReadError as error:
            self._sink.miss(path, error)
        self._finish(kind, path)

    async def _istio_namespaces(self) -> tuple[str, ...]:
        pods = await self._needed.of(kinds.POD)
        found = {pod.namespace for pod in istiod_pods(pods, self._options)}
        return tuple(sorted(found | {self._options.istio_namespace or ISTIO_SYSTEM}))

    async def _config_maps(self) -> ReadList:
        return await read_config_maps(self._api, await self._istio_namespaces(), self._namespaces)

    async def _secrets(self) -> ReadList | None:
        if not self._options.secrets:
            raise absent("Secrets were not asked for")
        naming = Naming(
            pods=await self._needed.of(kinds.POD),
            gateways=await self._needed.of(kinds.GATEWAY),
            destination_rules=await self._needed.of(kinds.DESTINATION_RULE),
            kubernetes_gateways=await self._needed.of(kinds.KUBERNETES_GATEWAY),
            istio_namespaces=await self._istio_namespaces(),
        )
        return await read_secrets(self._api, wanted_secrets(naming))

    async def _planned(self, pods: Sequence[Resource]) -> ProxyPlan:
        question = self._options.question
        if not self._options.proxies:
            return ProxyPlan((), 0)
        if question.to is None:
            return plan_proxies(question, pods)
        services = await self._needed.of(kinds.SERVICE)
        routes = await self._needed.of(kinds.VIRTUAL_SERVICE)
        return plan_proxies(question, pods, services, routes)

    async def _read_pods(self) -> None:
        pods = await self._needed.of(kinds.POD)
        self._istiods = istiod_pods(pods, self._options)
        self._plan = plan = await self._planned(pods)
        for pod, why in plan.idle:
            self._sink.miss(proxy_folder(pod), absent(why))
        for pod, error in idle_istiods(self._istiods):
            self._sink.miss(istiod_folder(pod), error)
        namespaces = await self._needed.of(kinds.NAMESPACE)
        options = self._options
        ways = Ways(self._api, options.port_forward, options.request_timeout)
        jobs = PodJobs(self._api, ways, self._sink, options).all(pods, plan, namespaces)
        for job in jobs:
            self._stages.expect(job.stage, 1)
        await run_jobs(jobs, options.workers, self._sink, self._stages)
        if not self._istiods:
            webhooks = await self._needed.of(kinds.MUTATING_WEBHOOK)
            elsewhere = other_planes(pods, options) or external_plane(webhooks)
            if elsewhere is not None:
                self._sink.miss("istiod", elsewhere)


async def collect(api: KubeApi, sink: Sink, options: CollectOptions = EVERYTHING) -> CollectSummary:
    """Read a cluster once.

    Args:
        api: the cluster.
        sink: where everything goes, as soon as it is read.
        options: what is wanted.

    Returns:
        What it came to.

    Raises:
        CancelledError: it was stopped; what was read is in the sink, and what was not is said.
        SelectorError: the label selector cannot be read.
    """
    return await Collection(api, sink, options).run()
