"""``istioctl proxy-config all -o json``: one proxy's config dump, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meshdoctor.imports.documents import documents, to_json
from meshdoctor.model import proxy as files
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.recording.archive_path import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.imports.draft import Draft
    from meshdoctor.imports.importer import Survey
    from meshdoctor.recording.archive import Entry

_DUMP = re.compile(rb"type\.googleapis\.com/envoy\.admin\.v\w+\.\w+ConfigDump")
_CONFIGS = re.compile(rb'(?m)^[ \t]*+\{?[ \t]*+"?configs"?[ \t]*+:')
_BOOTSTRAP = "BootstrapConfigDump"
_SAFE = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def is_config_dump(head: bytes) -> bool:
    """Whether a file begins as Envoy's config dump does."""
    return _CONFIGS.search(head) is not None and _DUMP.search(head) is not None


def _pod_of(dump: dict[str, Any]) -> tuple[str, str] | None:
    """Namespace and pod, from the node id ``type~ip~pod.namespace~domain`` of the bootstrap."""
    for config in as_list(dump.get("configs")):
        entry = as_mapping(config)
        if str(entry.get("@type")).endswith(_BOOTSTRAP):
            node = as_mapping(as_mapping(entry.get("bootstrap")).get("node"))
            parts = str(node.get("id") or "").split("~")
            if len(parts) == 4:
                pod, _, namespace = parts[2].rpartition(".")
                if _SAFE.fullmatch(pod) and _SAFE.fullmatch(namespace):
                    return namespace, pod
    return None


class ProxyConfig:
    """Reads dumps of proxies' configuration, one file a proxy."""

    title = "an istioctl proxy-config dump"

    def recognises(self, survey: Survey) -> bool:
        """By how its files begin."""
        return any(map(is_config_dump, survey.heads.values()))

    def convert(self, entries: Iterable[Entry], survey: Survey, draft: Draft) -> None:
        """Each dump is one proxy's; the proxy says itself which."""
        del survey
        for entry in entries:
            if not is_config_dump(entry.data[:65_536]):
                draft.lacks(entry.path, "is no config dump of Envoy")
                continue
            found, damage = documents(entry.data)
            dump = found[0] if found else None
            pod = _pod_of(dump) if isinstance(dump, dict) else None
            if damage or pod is None:
                draft.lacks(entry.path, damage or "does not say whose proxy it is of")
                continue
            place = f"proxies/{pod[0]}/{pod[1]}/{files.CONFIG_DUMP}"
            data = entry.data if entry.data.lstrip()[:1] == b"{" else to_json(dump)
            draft.file(place, data, origin=printable(entry.path))
            for file in (files.CLUSTERS, files.LOG):
                draft.lacks(
                    f"proxies/{pod[0]}/{pod[1]}/{file}", "istioctl proxy-config does not read it"
                )
