"""Read every kind of object that meshdoctor knows, each in a version that is served."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.api_versions import discover, is_version
from meshdoctor.collect.artifact import Artifact
from meshdoctor.collect.object_lists import ReadList, artifact_path, read_kind
from meshdoctor.collect.read_reasons import absent, failed
from meshdoctor.collect.stages import OBJECTS
from meshdoctor.model.kinds import ALL, CONFIG_MAP, SECRET, Kind
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.collect.api import KubeApi, Sink
    from meshdoctor.collect.api_versions import Served
    from meshdoctor.collect.stages import Stages

VERSION_FILE = "kubernetes/version.json"
BY_NAME = (CONFIG_MAP, SECRET)
"""Kinds of which only what mesh objects name is read."""
LISTED = tuple(kind for kind in ALL if kind not in BY_NAME)
_USUAL = {
    "autoscaling": ("v2", "v1"),
    "networking.istio.io": ("v1", "v1beta1", "v1alpha3"),
    "security.istio.io": ("v1", "v1beta1"),
    "telemetry.istio.io": ("v1", "v1alpha1"),
    "extensions.istio.io": ("v1alpha1",),
    "gateway.networking.k8s.io": ("v1", "v1beta1", "v1alpha2"),
}
"""Versions to try where discovery cannot tell."""
_NOT_FOUND = 404


class Objects:
    """The objects of a cluster, kind by kind."""

    def __init__(
        self, api: KubeApi, sink: Sink, stages: Stages, namespaces: Sequence[str] = ()
    ) -> None:
        """Nothing is read yet.

        Args:
            api: the cluster.
            sink: where it goes.
            stages: where progress is counted.
            namespaces: where to read what may not be read everywhere.
        """
        self._api = api
        self._sink = sink
        self._stages = stages
        self._namespaces = namespaces
        self._discovered = asyncio.Event()
        self._served: Served | None = None
        self._named: set[Kind] = set()
        """Kinds that discovery has named."""

    async def discover(self) -> None:
        """Find out what is served; kinds outside the core group wait for it."""
        try:
            self._served = await discover(self._api, LISTED)
        except ReadError:
            # The usual versions are tried, and each kind says what comes of that.
            self._served = None
        finally:
            self._discovered.set()

    async def read_version(self) -> None:
        """Read what the API server says of itself."""
        try:
            answer = await self._api.get("/version")
        except ReadError as error:
            self._sink.miss(VERSION_FILE, _of_version(error))
        else:
            if is_version(answer.body):
                self._sink.keep(Artifact(VERSION_FILE, answer.body))
            else:
                self._sink.miss(VERSION_FILE, failed("the answer to /version is no version"))
        self._stages.done(OBJECTS, VERSION_FILE)

    async def read(self, kind: Kind) -> ReadList | None:
        """Read one kind, and say what could not be read of it.

        Args:
            kind: any but those of which only some are read.

        Returns:
            The List; None when there is none to read or it could not be read.
        """
        path = kind.input
        try:
            for version in await self._versions(kind):
                path = artifact_path(kind, version)
                try:
                    listed = await read_kind(self._api, kind, version, self._namespaces)
                except ReadError as error:
                    if error.http_status != _NOT_FOUND:
                        raise
                    continue
                self.take(path, listed)
                return listed
            self._sink.miss(kind.input, _not_served(kind, is_named=kind in self._named))
        except ReadError as error:
            self._sink.miss(path, error)
        return None

    def take(self, path: str, listed: ReadList) -> None:
        """Hand a List over, and say what is missing from it."""
        self._sink.keep(Artifact(path, listed.data))
        if listed.problem is not None:
            self._sink.miss(path, listed.problem)

    async def _versions(self, kind: Kind) -> Sequence[str]:
        """The versions to try, the preferred first; none when the kind is not served."""
        if kind.group == "core":
            return ("v1",)
        await self._discovered.wait()
        usual = _USUAL.get(kind.group, ("v1",))
        if self._served is None:
            return usual
        try:
            version = self._served.version_of(kind)
        except ReadError:
            return usual
        if version is None:
            return ()
        self._named.add(kind)
        return (version,)


def _not_served(kind: Kind, *, is_named: bool) -> ReadError:
    """Every version was answered with 404: a fact, unless discovery has just named one."""
    name = kind.plural if kind.group == "core" else kind.crd
    if is_named:
        return failed(f"the API server names {name} among what it serves, and answers 404", 404)
    words = f"the API server does not serve {name}"
    return absent(words) if kind.custom else failed(words, 404)


def _of_version(error: ReadError) -> ReadError:
    """Every API server has a version: 404 can only be a failed read."""
    if error.status is NotReadStatus.NOT_INSTALLED:
        return failed(error.reason, error.http_status)
    return error
