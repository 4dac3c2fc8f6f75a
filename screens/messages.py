"""What workers and screens tell each other: each message is something that has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.snapshot import Snapshot


class ViewGathered(Message):
    """A screen's rows were made of a snapshot."""

    def __init__(self, snapshot: Snapshot, view: Any) -> None:
        """Carry the snapshot it was made of, and what the screen made."""
        self.snapshot = snapshot
        self.view = view
        super().__init__()


class CauseOpened(Message):
    """A root cause was chosen: the app shows the walk that led to it."""

    def __init__(self, cause: RootCause) -> None:
        """Carry the root cause."""
        self.cause = cause
        super().__init__()


class ProxyOpened(Message):
    """A proxy was chosen: the app shows what it holds."""

    def __init__(self, proxy_id: str, tab: str = "") -> None:
        """Carry the proxy's id, ``pod.namespace``, and the tab to begin with."""
        self.proxy_id = proxy_id
        self.tab = tab
        super().__init__()


class MtlsOpened(Message):
    """The mTLS of a root cause's destinations, or of a proxy, was asked for."""

    def __init__(
        self,
        title: str,
        places: tuple[str, ...] = (),
        proxy_id: str = "",
        servers: tuple[str, ...] = (),
    ) -> None:
        """Carry what it is about.

        Args:
            title: its name in the crumbs.
            places: destinations, ``host:port``.
            proxy_id: ``pod.namespace``, where it is about one proxy.
            servers: workloads that are called, where no destination is known.
        """
        self.title = title
        self.places = places
        self.servers = servers
        self.proxy_id = proxy_id
        super().__init__()


class Why403Opened(Message):
    """What is refused around a root cause, or by a proxy, was asked for."""

    def __init__(self, title: str, cause: RootCause | None = None, proxy_id: str = "") -> None:
        """Carry what it is about.

        Args:
            title: its name in the crumbs.
            cause: the root cause, if it is about one.
            proxy_id: ``pod.namespace`` of the server, where it is about one proxy.
        """
        self.title = title
        self.cause = cause
        self.proxy_id = proxy_id
        super().__init__()


class TraceOpened(Message):
    """A walk of a request that a root cause affects, or of a proxy's, was asked for."""

    def __init__(self, cause: RootCause | None = None, proxy_id: str = "") -> None:
        """Carry what it is about.

        Args:
            cause: the root cause, if it is about one.
            proxy_id: ``pod.namespace`` of the caller, where it is about one proxy.
        """
        self.cause = cause
        self.proxy_id = proxy_id
        super().__init__()


class RevisionsOpened(Message):
    """The revisions of some pods were asked for."""

    def __init__(self, title: str, names: tuple[str, ...] = ()) -> None:
        """Carry what it is about.

        Args:
            title: its name in the crumbs.
            names: workloads and Namespaces in text form, or ``pod.namespace``.
        """
        self.title = title
        self.names = names
        super().__init__()


class CertificatesOpened(Message):
    """The certificates of some objects and proxies were asked for."""

    def __init__(self, title: str, names: tuple[str, ...] = ()) -> None:
        """Carry what it is about.

        Args:
            title: its name in the crumbs.
            names: objects and workloads in text form, or ``pod.namespace``.
        """
        self.title = title
        self.names = names
        super().__init__()


class ProxyPartMade(Message):
    """One part of one proxy's configuration was made ready to show."""

    def __init__(self, snapshot: Snapshot, part: str, made: Any, nothing: str) -> None:
        """Carry the part's name, its table and rows (None when it was not read), and the sentence.

        Args:
            snapshot: what it was made of.
            part: name of the part.
            made: table and rows, or None.
            nothing: why there are no rows, should there be none.
        """
        self.snapshot = snapshot
        self.part = part
        self.made = made
        self.nothing = nothing
        super().__init__()


class NamespaceOpened(Message):
    """A namespace was chosen: the app shows its pods."""

    def __init__(self, name: str) -> None:
        """Carry the namespace's name."""
        self.name = name
        super().__init__()


class TaskOpened(Message):
    """A task of an exam was chosen: the app opens its mesh."""

    def __init__(self, index: int) -> None:
        """Carry the task's index."""
        self.index = index
        super().__init__()


class ExamEnded(Message):
    """The candidate has ended the exam."""
