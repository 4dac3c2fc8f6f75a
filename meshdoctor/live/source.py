"""A live mesh as a source: a kubeconfig context that is read, followed and recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.model.source_error import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.live.mesh_reader import MeshReader
    from meshdoctor.live.options import LiveOptions
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener, Saved


@dataclass(slots=True)
class LiveSource:
    """The cluster of one kubeconfig context; nothing is opened before it is read."""

    options: LiveOptions
    _reader: MeshReader | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The context's name, or what stands for it where there is none.

        Raises:
            SourceError: there is no kubeconfig that can be read.
        """
        from meshdoctor.collect.access import context_name

        return context_name(self.options.cluster)

    @property
    def is_live(self) -> bool:
        """A cluster changes."""
        return True

    def check(self) -> None:
        """See whether the kubeconfig names a cluster; the cluster itself is not asked.

        Raises:
            SourceError: it does not.
        """
        _ = self.name

    def read(self, listener: Listener) -> Snapshot:
        """Read objects, istiods, proxies and logs.

        Raises:
            SourceError: the cluster cannot be reached at all.
        """
        from meshdoctor.live.loop import run
        from meshdoctor.live.mesh_reader import MeshReader

        self._reader = MeshReader(self.options)
        return run(self._reader.read(listener))

    def follow(self, listener: Listener) -> None:
        """Watch the objects; re-read istiods and the proxies whose configuration changed.

        Raises:
            SourceError: the cluster is lost, or was never read.
        """
        from meshdoctor.live.following import follow
        from meshdoctor.live.loop import run

        if self._reader is None:
            raise SourceError("there is nothing to follow: read the cluster first")
        run(follow(self._reader, listener))

    def save(self, path: Path, listener: Listener) -> Saved:
        """Read everything into a new recording; what was read when it is stopped is kept.

        Raises:
            SourceError: the cluster cannot be reached, or the file cannot be written.
        """
        from meshdoctor.live.loop import run
        from meshdoctor.live.saving import save

        return run(save(self.options, path, listener))
