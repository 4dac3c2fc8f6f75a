"""Read one live mesh into snapshots: connect, collect, and join what there is."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from meshdoctor.collect.access import open_access
from meshdoctor.collect.collection import Collection, CollectSummary
from meshdoctor.collect.label_selector import SelectorError
from meshdoctor.collect.plan import ProxyPlan
from meshdoctor.collect.transport import Transport
from meshdoctor.collect.transport_limits import Limits
from meshdoctor.live.asking import collect_options
from meshdoctor.live.intake import Intake
from meshdoctor.live.reading import Reading
from meshdoctor.live.recorded import recorder_of, scope_of
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.pod import is_istiod
from meshdoctor.model.snapshot import About, Snapshot
from meshdoctor.model.source_error import SourceError
from meshdoctor.recording.completeness import Absent
from meshdoctor.recording.joining import joined
from meshdoctor.recording.provenance import provenance_of
from meshdoctor.recording.redact import Redactor
from meshdoctor.source import Silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from meshdoctor.collect.access import Access
    from meshdoctor.live.options import LiveOptions
    from meshdoctor.model.resource import Resource
    from meshdoctor.source import Listener

_BUILD = re.compile(r"-[0-9a-f]{40}(-\w+)?$")


class _Version(msgspec.Struct):
    """What is looked at of ``/version``."""

    gitVersion: str = ""  # noqa: N815 - the API's own word


@dataclass(slots=True)
class MeshReader:
    """One mesh that is read, and may be read again in part."""

    options: LiveOptions
    intake: Intake = field(default_factory=lambda: Intake(Redactor(), Silence()))
    context: str = ""
    server: str = ""
    stopped: str = ""
    """Why reading ended early; empty when it did not."""
    _now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    plan: ProxyPlan = field(default_factory=lambda: ProxyPlan((), 0))
    """Which proxies are read; empty while that is not known."""
    istiods: frozenset[tuple[str, str]] | None = None
    """The control plane's pods that are read; None while that is not known."""
    _finished: bool = False
    """Whether nothing more is to come."""
    _began: float = field(default_factory=monotonic)
    """When the time for everything began to run."""

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Transport]:
        """The API of a cluster that answers, for as long as the block runs.

        Raises:
            SourceError: the kubeconfig or the cluster cannot be used.
        """
        async with self.transport() as api:
            async with self.in_time(f"{self.server} answered"):
                await api.reach()
            yield api

    @asynccontextmanager
    async def transport(self) -> AsyncIterator[Transport]:
        """The way to the API, for as long as the block runs; nothing is asked yet.

        Raises:
            SourceError: the kubeconfig cannot be used.
        """
        asked = self.options
        self._began = monotonic()
        async with self.in_time("one was logged in"):
            access = await open_access(asked.cluster)
        self._note(access)
        limits = Limits(in_flight=asked.concurrency, request=asked.cluster.request_timeout)
        async with Transport.open(access, limits) as api:
            self._now = api.now
            yield api

    @asynccontextmanager
    async def in_time(self, end: str) -> AsyncIterator[None]:
        """Bounds what has to end before anything is read: there is nothing to keep of it.

        Args:
            end: what has happened then, for words.

        Raises:
            SourceError: the time for everything was up.
        """
        timeout = self.options.timeout
        left = None if timeout is None else max(0.0, self._began + timeout - monotonic())
        try:
            async with asyncio.timeout(left):
                yield
        except TimeoutError:
            raise SourceError(f"the time was up ({timeout:g}s) before {end}") from None

    def _note(self, access: Access) -> None:
        self.context, self.server = access.context, access.server

    async def read(self, listener: Listener) -> Snapshot:
        """Read everything that the options ask for; when stopped, what there is by then.

        Raises:
            SourceError: the cluster cannot be read at all.
        """
        self.intake.listener = listener
        async with self.connected() as api:
            await self.collect_all(api, listener)
            return self.snapshot()

    async def collect_all(
        self, api: Transport, listener: Listener, *, everything: bool = False
    ) -> None:
        """Collect into the intake, under the deadline, until the person wants to stop.

        Args:
            api: the cluster.
            listener: who is told.
            everything: also what only a person who opens a recording looks at.

        Raises:
            SourceError: the question cannot be understood.
        """
        asked = collect_options(self.options, everything=everything)
        try:
            collection = Collection(api, self.intake, asked)
        except SelectorError as error:
            raise SourceError(str(error)) from None

        def so_far() -> Snapshot:
            self._note_plan(collection.summary)
            return self.snapshot()

        reading = Reading(self.intake, listener, so_far, self.options.timeout, self._began)
        await reading.run(collection.run())
        self._note_plan(collection.summary)
        self.stopped = reading.stopped
        self._finished = True

    def _note_plan(self, summary: CollectSummary) -> None:
        self.plan = summary.plan
        self.istiods = frozenset(summary.istiods)

    def told(self) -> tuple[NotRead, ...]:
        """What could not be read, and what was left out of a sample."""
        sampled = self.plan if self.options.max_proxies is not None else None
        told = sorted(self.intake.missing.values())
        if sampled is not None and len(sampled.pods) < sampled.total:
            told.append(NotRead("proxies", NotReadStatus.FAILED, f"a sample was read: {sampled}"))
        return tuple(told)

    def snapshot(self) -> Snapshot:
        """Everything that has been read so far, joined."""
        if self._finished or self.intake.knows_format:
            self.intake.parse_logs()
        return joined(
            self.intake.assembly,
            self.about(),
            self.told(),
            absent=self._absent(),
            wanted=self._was_wanted,
        )

    def _absent(self) -> Absent:
        """Why something is missing that no collector said anything about."""
        of_logs = "" if self.options.logs else "logs were not asked for"
        if self.stopped:
            return Absent(self.stopped, NotReadStatus.TIMEOUT, of_logs)
        return Absent("it was not there" if self._finished else "not read yet", of_logs=of_logs)

    def _was_wanted(self, pod: Resource) -> bool:
        name = (pod.namespace, pod.name)
        if self.istiods is None:
            return True
        return name in self.istiods if is_istiod(pod) else name in self.plan.names

    def about(self) -> About:
        """What the snapshot says of itself: its time is the API server's."""
        return About(
            name=self.context,
            captured_at=self._now().replace(microsecond=0),
            kubernetes=self._kubernetes(),
            istio=self._istio(),
            source="live",
            provenance=provenance_of(recorder_of(self), scope_of(self), self.intake.redactor.log()),
        )

    def _istio(self) -> str:
        """The versions of the istiods, ``<version>-<git revision>-<status>`` cut to the first."""
        whole = self.intake.istio_versions
        return ", ".join(sorted({_BUILD.sub("", text) for text in whole if text}))

    def _kubernetes(self) -> str:
        """The API server's version; empty when it was not told."""
        try:
            return msgspec.json.decode(self.intake.version, type=_Version).gitVersion
        except msgspec.MsgspecError:
            return ""
