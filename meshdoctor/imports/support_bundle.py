"""A troubleshoot support bundle: what its cluster-resources collector keeps (troubleshoot.sh)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.imports.container_logs import log_place
from meshdoctor.imports.documents import documents
from meshdoctor.model import kinds
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.model.resource import as_mapping
from meshdoctor.recording.archive_path import MAX_ROOT_DEPTH
from meshdoctor.recording.manifest import status_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.imports.draft import Draft
    from meshdoctor.imports.importer import Survey
    from meshdoctor.model.kinds import Kind
    from meshdoctor.recording.archive import Entry

_MARK = re.compile(
    r"(?:(?P<root>.+?)/)?cluster-resources/(?:[a-z-]+/[^/]+|[a-z-]+|custom-resources/.+)\.(?:json|yaml)"
)
_FOLDERS: dict[str, Kind] = {
    "pods": kinds.POD,
    "services": kinds.SERVICE,
    "deployments": kinds.DEPLOYMENT,
    "replicasets": kinds.REPLICA_SET,
    "statefulsets": kinds.STATEFUL_SET,
    "daemonsets": kinds.DAEMON_SET,
    "jobs": kinds.JOB,
    "network-policy": kinds.NETWORK_POLICY,
    "resource-quota": kinds.RESOURCE_QUOTA,
    "limitranges": kinds.LIMIT_RANGE,
    "events": kinds.EVENT,
    "endpoints": kinds.ENDPOINTS,
    "endpointslices": kinds.ENDPOINT_SLICE,
    "serviceaccounts": kinds.SERVICE_ACCOUNT,
    "configmaps": kinds.CONFIG_MAP,
}
"""Folders with a file a namespace (troubleshoot pkg/constants)."""
_FILES: dict[str, Kind] = {
    "namespaces": kinds.NAMESPACE,
    "nodes": kinds.NODE,
    "custom-resource-definitions": kinds.CRD,
}
_ERRORS = re.compile(r"(?P<what>[a-z-]+)-errors\.json")
_ERROR_NAMES = {**_FOLDERS, **_FILES, "customresourcedefinitions": kinds.CRD}
_CUSTOM = re.compile(
    r"custom-resources/(?P<crd>[a-z0-9.-]+?)(?:/(?P<namespace>[^/]+))?\.(?:json|yaml)"
)
_LOG = re.compile(
    r"pods/logs/(?P<namespace>[^/]+)/(?P<pod>[^/]+)/(?P<container>[^/]+?)(?P<previous>-previous)?\.log"
)
_BY_CRD = {kind.crd: kind for kind in kinds.ALL if kind.custom}
_SYSTEM = "kube-system"
_MOST_SAID = 160


def _root(names: Iterable[str]) -> str | None:
    roots = [match["root"] or "" for name in names if (match := _MARK.fullmatch(name))]
    shallow = [root for root in roots if not root or root.count("/") < MAX_ROOT_DEPTH]
    return min(shallow, key=lambda root: (root.count("/") if root else -1, root), default=None)


class SupportBundle:
    """Reads a troubleshoot support bundle, packed or unpacked."""

    title = "a troubleshoot support bundle"

    def recognises(self, survey: Survey) -> bool:
        """By its ``cluster-resources`` folder."""
        return _root(survey.names) is not None

    def convert(self, entries: Iterable[Entry], survey: Survey, draft: Draft) -> None:
        """Objects by kind and namespace, and logs."""
        root = _root(survey.names)
        reading = _Reading(f"{root}/" if root else "", draft)
        for entry in entries:
            reading.one(entry)
        reading.done()


class _Reading:
    """One bundle being read."""

    def __init__(self, root: str, draft: Draft) -> None:
        self._resources = f"{root}cluster-resources/"
        self._version = f"{root}cluster-info/cluster_version.json"
        self._draft = draft
        self._customs = False

    def one(self, entry: Entry) -> None:
        if entry.path == self._version:
            found, _ = documents(entry.data)
            self._draft.kubernetes = _version(found[0] if found else None)
        if not entry.path.startswith(self._resources):
            return
        path = entry.path[len(self._resources) :]
        folder, slash, file = path.partition("/")
        if (log := _LOG.fullmatch(path)) is not None:
            self._log(log, entry)
        elif (errors := _ERRORS.fullmatch(path)) is not None:
            self._errors(errors["what"], entry)
        elif (custom := _CUSTOM.fullmatch(path)) is not None:
            self._custom(custom["crd"], entry)
        elif slash and "/" not in file and folder in _FOLDERS:
            self._objects(_FOLDERS[folder], entry)
        elif not slash and path.rpartition(".")[0] in _FILES:
            self._objects(_FILES[path.rpartition(".")[0]], entry)

    def _objects(self, kind: Kind, entry: Entry) -> None:
        if entry.data.strip() in (b"", b"null"):
            return
        content = self._draft.objects(entry.path, entry.data, kind)
        if content.damaged:
            self._draft.partial(kind, f"{entry.path} is damaged, so some may be missing")
        else:
            self._draft.shelf.cover(kind)

    def _custom(self, crd: str, entry: Entry) -> None:
        self._customs = True
        kind = _BY_CRD.get(crd)
        if kind is not None:
            self._objects(kind, entry)

    def _log(self, match: re.Match[str], entry: Entry) -> None:
        place = log_place(
            match["namespace"],
            match["pod"],
            match["container"],
            previous=match["previous"] is not None,
        )
        if entry.data.strip():
            self._draft.file(place, entry.data, entry.first_line, entry.path)

    def _errors(self, what: str, entry: Entry) -> None:
        """Errors by namespace, or a list of them; ``null`` and ``{}`` where there were none."""
        found, damage = documents(entry.data)
        said = found[0] if found else None
        if not said and not damage:
            return
        first = next(iter(said.values()), "") if isinstance(said, dict) else said
        first = first[0] if isinstance(first, list) and first else first
        reason = " ".join(str(first or damage).split())[:_MOST_SAID]
        if what == "custom-resources":
            for kind in _BY_CRD.values():
                if kind.needed:
                    self._draft.lacks(kind.input, reason, status_of(None, reason))
            return
        kind_failed = _ERROR_NAMES.get(what)
        if kind_failed is not None:
            status = status_of(None, reason)
            # Every API server has these: "could not find" can only be a failed read.
            absent = status is NotReadStatus.NOT_INSTALLED
            self._draft.lacks(kind_failed.input, reason, NotReadStatus.FAILED if absent else status)

    def done(self) -> None:
        """What was not collected is unknown; of a whole bundle, what is absent does not exist."""
        shelf = self._draft.shelf
        names = {as_mapping(raw.get("metadata")).get("name") for raw in shelf.of(kinds.NAMESPACE)}
        if _SYSTEM not in names:
            listed = ", ".join(sorted(map(str, names))[:5]) or "unknown"
            for kind in shelf.kinds:
                self._draft.partial(kind, f"the bundle is of some namespaces only: {listed}")
            return
        if self._customs and kinds.CRD in shelf.kinds:
            # The collector writes a file only for kinds of which there are objects.
            defined = {as_mapping(raw.get("metadata")).get("name") for raw in shelf.of(kinds.CRD)}
            for crd, kind in _BY_CRD.items():
                if crd in defined:
                    shelf.cover(kind)


def _version(document: object) -> str:
    """``cluster_version.json``: ``{"info": {"gitVersion": …}, "string": …}``."""
    info = as_mapping(as_mapping(document).get("info"))
    return str(info.get("gitVersion") or as_mapping(document).get("string") or "")
