"""``kubectl cluster-info dump``: Kubernetes' own objects and logs; it reads nothing of Istio's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.imports.container_logs import log_place
from meshdoctor.imports.container_sections import sections
from meshdoctor.model import kinds
from meshdoctor.recording.archive_path import MAX_ROOT_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.imports.draft import Draft
    from meshdoctor.imports.importer import Survey
    from meshdoctor.recording.archive import Entry

_LISTS = "daemonsets|deployments|events|pods|replicasets|replication-controllers|services"
_FILE = re.compile(rf"(?:(?P<root>.+)/)?(?P<namespace>[^/]+)/(?:{_LISTS})\.(?:json|yaml)")
_FEWEST = 3
_OF_NAMESPACE = (
    kinds.POD,
    kinds.SERVICE,
    kinds.EVENT,
    kinds.DEPLOYMENT,
    kinds.REPLICA_SET,
    kinds.DAEMON_SET,
)
_ALWAYS_THERE = {"default", "kube-system", "kube-public", "kube-node-lease"}
"""Namespaces of every cluster: a dump of all namespaces has a folder for each."""
_NEVER_READ = "kubectl cluster-info dump does not read it"


class ClusterInfoDump:
    """Reads the folder that ``--output-directory`` names, packed or not."""

    title = "a kubectl cluster-info dump"

    def recognises(self, survey: Survey) -> bool:
        """By a folder a namespace, each with the same Lists."""
        found = [match for name in survey.names if (match := _FILE.fullmatch(name))]
        # A troubleshoot bundle has folders a kind, with a file a namespace.
        folders: dict[str, int] = {}
        for match in found:
            if (match["root"] or "").count("/") < MAX_ROOT_DEPTH:
                folder = f"{match['root']}/{match['namespace']}"
                folders[folder] = folders.get(folder, 0) + 1
        return any(count >= _FEWEST for count in folders.values())

    def convert(self, entries: Iterable[Entry], survey: Survey, draft: Draft) -> None:
        """Lists of objects by namespace, and each pod's logs."""
        namespaces = {
            match["namespace"] for name in survey.names if (match := _FILE.fullmatch(name))
        }
        for entry in entries:
            name = entry.path.rpartition("/")[2]
            if name == "logs.txt":
                self._logs(entry, draft)
            elif _FILE.fullmatch(entry.path) or name in ("nodes.json", "nodes.yaml"):
                draft.objects(entry.path, entry.data)
        for kind in _OF_NAMESPACE:
            draft.shelf.cover(kind)
            if not namespaces >= _ALWAYS_THERE:
                listed = ", ".join(sorted(namespaces)[:5])
                more = ", …" if len(namespaces) > 5 else ""
                draft.partial(kind, f"the dump is of some namespaces only: {listed}{more}")
        for kind in kinds.ALL:
            if kind.needed and kind not in draft.shelf.kinds:
                draft.lacks(kind.input, _NEVER_READ)

    def _logs(self, entry: Entry, draft: Draft) -> None:
        for section in sections(entry.data):
            if section.data.strip():
                place = log_place(section.namespace, section.pod, section.container)
                draft.file(place, section.data, origin=entry.path)
