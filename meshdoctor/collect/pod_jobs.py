"""What is to be read of pods, as jobs in the order in which they matter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from meshdoctor.collect.envoy import proxy_folder, read_envoy
from meshdoctor.collect.istiod import istiod_folder, read_istiod
from meshdoctor.collect.log_sources import (
    application_logs,
    istiod_logs,
    mesh_namespaces,
    proxy_logs,
    ztunnel_logs,
)
from meshdoctor.collect.logs import LogBounds, Logs, LogSource
from meshdoctor.collect.proxy_pods import proxy_pods, state_words, why_not_asked
from meshdoctor.collect.read_reasons import absent, failed
from meshdoctor.collect.sampling import take_turns
from meshdoctor.collect.stages import ISTIOD, LOGS, PROXIES, ZTUNNELS
from meshdoctor.collect.work import Job
from meshdoctor.collect.ztunnel import read_ztunnel, ztunnel_folder
from meshdoctor.model.pod import (
    ISTIOD_CONTAINER,
    PROXY_CONTAINER,
    container_runs,
    is_finished,
    is_istiod,
    is_terminating,
    is_ztunnel,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from meshdoctor.collect.api import KubeApi, ReadError, Sink
    from meshdoctor.collect.options import CollectOptions
    from meshdoctor.collect.plan import ProxyPlan
    from meshdoctor.collect.ways import Ways
    from meshdoctor.model.resource import Resource

_DEFAULT_REVISION = "default"


def istiod_pods(pods: Iterable[Resource], options: CollectOptions) -> tuple[Resource, ...]:
    """The control plane's pods that are wanted: every replica, every revision."""
    return tuple(
        pod
        for pod in pods
        if is_istiod(pod)
        and not is_finished(pod)
        and options.istio_namespace in (None, pod.namespace)
        and options.revision in (None, pod.labels.get("istio.io/rev", _DEFAULT_REVISION))
    )


def idle_istiods(istiods: Sequence[Resource]) -> Iterator[tuple[Resource, ReadError]]:
    """Control planes that do not run: nobody is connected to them.

    Where none runs, what proxies acknowledged cannot be told; where another runs, it knows.
    """
    idle = [pod for pod in istiods if not container_runs(pod, ISTIOD_CONTAINER)]
    for pod in idle:
        why = state_words(pod, ISTIOD_CONTAINER)
        if not is_terminating(pod):
            yield pod, (failed(why) if len(idle) == len(istiods) else absent(why))


def other_planes(pods: Iterable[Resource], options: CollectOptions) -> ReadError | None:
    """Why no istiod is read although some run: others were asked for.

    Args:
        pods: all of them.
        options: that none of the istiods fits.
    """
    running = {
        f"{pod.namespace} (revision {pod.labels.get('istio.io/rev', _DEFAULT_REVISION)})"
        for pod in pods
        if is_istiod(pod) and not is_finished(pod)
    }
    if not running:
        return None
    asked = f" in {options.istio_namespace}" if options.istio_namespace else ""
    asked += f" of revision {options.revision}" if options.revision else ""
    return failed(f"there is no istiod{asked}; there is one in {', '.join(sorted(running))}")


def ztunnel_pods(pods: Iterable[Resource]) -> tuple[Resource, ...]:
    """The ztunnels that run."""
    return tuple(
        pod
        for pod in pods
        if is_ztunnel(pod) and not is_terminating(pod) and container_runs(pod, PROXY_CONTAINER)
    )


class PodJobs:
    """Makes the jobs of one collection."""

    def __init__(self, api: KubeApi, ways: Ways, sink: Sink, options: CollectOptions) -> None:
        """Nothing is read yet.

        Args:
            api: the cluster, for logs.
            ways: the ways into pods.
            sink: where it goes.
            options: what is wanted.
        """
        self._log_reader = Logs(api, sink)
        self._ways = ways
        self._sink = sink
        self._options = options

    def all(
        self, pods: Sequence[Resource], plan: ProxyPlan, namespaces: Sequence[Resource]
    ) -> list[Job]:
        """Every job: control planes first, then proxies and their logs, then the rest.

        Args:
            pods: all of them.
            plan: which proxies are read.
            namespaces: all of them, as far as they were read.
        """
        options = self._options
        istiods = istiod_pods(pods, options)
        ztunnels = ztunnel_pods(pods) if options.proxies else ()
        idle = [pod for pod, _ in plan.idle]
        jobs = self._admins(istiods, plan.pods, ztunnels, self._logs(istiods, plan.pods, idle))
        jobs += self._log_jobs([source for pod in ztunnels for source in ztunnel_logs(pod)])
        if options.application_logs:
            within, asked = mesh_namespaces(pods, namespaces), options.question.namespaces
            jobs += self._log_jobs(application_logs(pods, within, asked))
        return jobs

    def of(self, pods: Sequence[Resource]) -> list[Job]:
        """The jobs of some pods alone.

        Args:
            pods: proxies', istiods' and ztunnels'; others have none.
        """
        istiods = istiod_pods(pods, self._options)
        proxies = [pod for pod in proxy_pods(pods) if why_not_asked(pod) is None]
        return self._admins(istiods, proxies, ztunnel_pods(pods), self._logs(istiods, proxies, ()))

    def _admins(
        self,
        istiods: Sequence[Resource],
        proxies: Sequence[Resource],
        ztunnels: Sequence[Resource],
        logs: Sequence[Job],
    ) -> list[Job]:
        jobs = [self._istiod(pod) for pod in istiods if container_runs(pod, ISTIOD_CONTAINER)]
        jobs += take_turns([logs, [self._proxy(pod) for pod in proxies]])
        return [*jobs, *(self._ztunnel(pod) for pod in ztunnels)]

    def _logs(
        self, istiods: Sequence[Resource], proxies: Sequence[Resource], idle: Sequence[Resource]
    ) -> list[Job]:
        """Logs of control planes and of proxies, those too that do not run any more."""
        own = [source for pod in istiods for source in istiod_logs(pod)]
        of_proxies = [source for pod in (*proxies, *idle) for source in proxy_logs(pod)]
        return [*self._log_jobs(own), *self._log_jobs(of_proxies)]

    def _log_jobs(self, sources: Sequence[LogSource]) -> list[Job]:
        if not self._options.logs:
            return []
        bounds = self._options.log_bounds.shared_by(len(sources))
        return [self._log(source, bounds) for source in sources]

    def _log(self, source: LogSource, bounds: LogBounds) -> Job:
        return Job(LOGS, source.path, partial(self._log_reader.read, source, bounds))

    def _proxy(self, pod: Resource) -> Job:
        options = self._options
        read = partial(
            read_envoy,
            self._ways,
            pod,
            self._sink,
            everything=options.everything,
            seconds=options.pod_timeout,
        )
        return Job(PROXIES, proxy_folder(pod), read)

    def _istiod(self, pod: Resource) -> Job:
        options = self._options
        read = partial(
            read_istiod,
            self._ways,
            pod,
            self._sink,
            everything=options.everything,
            seconds=2 * options.pod_timeout,
        )
        return Job(ISTIOD, istiod_folder(pod), read)

    def _ztunnel(self, pod: Resource) -> Job:
        seconds = self._options.pod_timeout
        read = partial(read_ztunnel, self._ways, pod, self._sink, seconds=seconds)
        return Job(ZTUNNELS, ztunnel_folder(pod), read)
