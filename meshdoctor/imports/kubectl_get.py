"""``kubectl get -o yaml`` or ``-o json``: files or folders of objects, in Lists or one by one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.model import kinds
from meshdoctor.model.pod import has_proxy
from meshdoctor.model.resource import Resource, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from meshdoctor.imports.draft import Draft, FileOfObjects
    from meshdoctor.imports.importer import Survey
    from meshdoctor.recording.archive import Entry

_API = re.compile(rb'(?m)^[ \t]*+(?:- |\{)?[ \t]*+"?apiVersion"?[ \t]*+:[ \t]*+"?[\w./-]')
_KIND = re.compile(rb'(?m)^[ \t]*+(?:- |\{)?[ \t]*+"?(?:kind|items)"?[ \t]*+:')
_JSON = re.compile(rb'"apiVersion"\s*+:\s*+"[\w./-]++"')


def is_manifest(head: bytes) -> bool:
    """Whether a file begins as a Kubernetes object or List does."""
    if head.lstrip()[:1] in (b"{", b"["):
        return _JSON.search(head) is not None
    return _API.search(head) is not None and _KIND.search(head) is not None


class KubectlGet:
    """Reads files of objects; which objects were asked for, and where, it must infer."""

    title = "files of kubectl get"

    def recognises(self, survey: Survey) -> bool:
        """By how its files begin."""
        return any(map(is_manifest, survey.heads.values()))

    def convert(self, entries: Iterable[Entry], survey: Survey, draft: Draft) -> None:
        """Every object of every file."""
        del survey
        found: list[FileOfObjects] = []
        for entry in entries:
            if is_manifest(entry.data[:65_536]):
                found.append(draft.objects(entry.path, entry.data))
            elif entry.data.strip():
                draft.lacks(entry.path, "holds no Kubernetes object")
        _note_scope(found, draft)


def _note_scope(found: list[FileOfObjects], draft: Draft) -> None:
    """Tell kinds that were exported whole from those of which others may exist.

    Only ``kubectl get -A`` gives objects of several namespaces in one answer: such an answer is
    whole. An answer of one namespace is taken for whole when it is the only one of its kind and
    the export as a whole was made with ``-A``.
    """
    spanning = [file for file in found if len(_namespaces(file)) > 1]
    of_kind: dict[kinds.Kind, list[FileOfObjects]] = {}
    for file in found:
        for kind in file.namespaces:
            of_kind.setdefault(kind, []).append(file)
    seen = set().union(*map(_namespaces, found)) if found else set()
    where = ", ".join(sorted(seen)[:5]) or "none"
    narrow = not spanning or _istiod_left_out(draft)
    for kind, files in of_kind.items():
        if not any(file.namespaces[kind] for file in files):
            _note_cluster_wide(kind, files, seen, draft)
        elif narrow:
            draft.partial(kind, f"only objects of these namespaces were exported: {where}")
        elif len(files) > 1 and not any(file in spanning for file in files):
            draft.partial(kind, "it was exported namespace by namespace: others may exist")


def _note_cluster_wide(
    kind: kinds.Kind, files: list[FileOfObjects], seen: set[str], draft: Draft
) -> None:
    if kind is kinds.NAMESPACE:
        names = {as_mapping(raw.get("metadata")).get("name") for raw in draft.shelf.of(kind)}
        if not seen <= names:
            draft.partial(kind, "objects of other namespaces were exported too")
    elif not any(file.listed for file in files):
        draft.partial(kind, "it was exported one by one: others may exist")


def _namespaces(file: FileOfObjects) -> set[str]:
    return set().union(*file.namespaces.values()) if file.namespaces else set()


def _resource(raw: Mapping[str, Any]) -> Resource:
    metadata = as_mapping(raw.get("metadata"))
    return Resource(
        kinds.POD, str(metadata.get("namespace")), str(metadata.get("name")), raw, "", ""
    )


def _istiod_left_out(draft: Draft) -> bool:
    """Whether pods have sidecars, and nothing of any istiod was exported."""
    pods = [_resource(raw) for raw in draft.shelf.of(kinds.POD)]
    if not any(map(has_proxy, pods)):
        return False
    objects = (
        raw for kind in (kinds.POD, kinds.DEPLOYMENT, kinds.SERVICE) for raw in draft.shelf.of(kind)
    )
    labels = (as_mapping(as_mapping(raw.get("metadata")).get("labels")) for raw in objects)
    return not any(
        "istiod" in (found.get("app"), found.get("istio")) or found.get("istio") == "pilot"
        for found in labels
    )
