"""Where things lie in a recording, format ``meshdoctor.recording/v1``."""

from __future__ import annotations

from dataclasses import dataclass

from meshdoctor.model import proxy as files
from meshdoctor.model.container_log import LOGS
from meshdoctor.model.kinds import BY_GROUP_AND_PLURAL, CONFIG_MAP, Kind
from meshdoctor.model.pod import PROXY_CONTAINER
from meshdoctor.model.ztunnel import ZTUNNEL_DUMP, ZTUNNEL_LOG

FORMAT = "meshdoctor.recording/v1"
MANIFEST = "recording.json"

SYNCZ = "debug/syncz.json"
CONNECTIONS = "debug/connections.json"
MESH = "debug/mesh.json"
VERSION = "version.txt"
ISTIOD_LOG = "discovery.log"
ISTIOD_METRICS = "metrics.txt"

ISTIOD_FILES = frozenset({SYNCZ, CONNECTIONS, MESH, VERSION, ISTIOD_LOG, ISTIOD_METRICS})
"""The files of an istiod that analyzers or views use."""

PROXY_FILES = frozenset(
    {
        files.CONFIG_DUMP,
        files.CLUSTERS,
        files.CERTS,
        files.LISTENERS,
        files.SERVER_INFO,
        files.STATS,
        files.READY,
        files.LOG,
    }
)
"""The files of a proxy that analyzers or views use."""

ZTUNNEL_FILES = frozenset({ZTUNNEL_DUMP, ZTUNNEL_LOG})
"""The files of a ztunnel that analyzers or views use."""

NEEDED_PROXY_FILES = (files.CONFIG_DUMP, files.CLUSTERS, files.LOG)
"""Missing ones make conclusions unknown."""
NEEDED_ISTIOD_FILES = (SYNCZ, MESH, ISTIOD_LOG)
"""Missing ones make conclusions unknown."""
NEEDED_ZTUNNEL_FILES = (ZTUNNEL_DUMP, ZTUNNEL_LOG)
"""Missing ones make conclusions about ambient mode unknown."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a path in a recording holds."""

    room: str
    """``manifest``, ``kubernetes``, ``istiod``, ``proxies``, ``ztunnels``, ``logs``, or
    ``clusters`` for what is known of further ones.
    """
    kind: Kind | None = None
    version: str = ""
    namespace: str = ""
    pod: str = ""
    file: str = ""
    cluster: str = ""
    """Id of a further cluster; empty for the cluster that the recording is of."""

    @property
    def is_log(self) -> bool:
        """Whether the file may grow without bound and only its end counts."""
        return self.file.endswith(".log")


def place_of(path: str) -> Place | None:
    """What a path holds; None for a path this reader does not know."""
    if path == MANIFEST:
        return Place("manifest")
    parts = path.split("/")
    match parts:
        case ["kubernetes", group, version, plural] if plural.endswith(".json"):
            kind = BY_GROUP_AND_PLURAL.get((group, plural.removesuffix(".json")))
            return Place("kubernetes", kind=kind, version=version) if kind else None
        # Of a further cluster of the mesh only its roots count here.
        case ["clusters", cluster, "kubernetes", "core", version, "configmaps.json"]:
            return Place("clusters", kind=CONFIG_MAP, version=version, cluster=cluster)
        case ["istiod", namespace, pod, *rest]:
            file = "/".join(rest)
            if file in ISTIOD_FILES:
                return Place("istiod", namespace=namespace, pod=pod, file=file)
        case ["proxies", namespace, pod, file] if file in PROXY_FILES:
            return Place("proxies", namespace=namespace, pod=pod, file=file)
        case [room, namespace, pod, file] if room == LOGS and file.endswith(".log"):
            # A proxy's log is read from its own room.
            if file.partition(".")[0] != PROXY_CONTAINER:
                return Place(LOGS, namespace=namespace, pod=pod, file=file)
        case ["ztunnels", namespace, pod, file] if file in ZTUNNEL_FILES:
            return Place("ztunnels", namespace=namespace, pod=pod, file=file)
    return None


def is_wanted(path: str) -> bool:
    """Whether the reader has any use for this path."""
    return place_of(path) is not None
