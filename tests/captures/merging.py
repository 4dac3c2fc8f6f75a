"""Two captures in one: the namespaces of the first, under other names, beside all of the second.

The first one's times are moved to the second one's, and its addresses to a range of their own, so
that it is as if both had been recorded at once.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from meshdoctor.recording.archive import open_archive
from tests.captures.renaming import renamed
from tests.captures.test_every_capture import capture
from tests.captures.test_missing_inputs import unpack

if TYPE_CHECKING:
    from pathlib import Path

_NAMESPACES = ("shop", "pay", "legacy", "amb")
_KEPT = {"istio-system": "servicemesh", "ingressgateway": "frontdoor"}
_TIME = re.compile(r"2026-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_LISTS = ("syncz.json", "registryz.json")


def _files(name: str) -> dict[str, str]:
    entries = open_archive(capture(name)).entries()
    return {item.path: item.data.decode("utf-8", errors="surrogateescape") for item in entries}


def _captured_at(files: dict[str, str]) -> datetime:
    return datetime.fromisoformat(json.loads(files["recording.json"])["captured_at"])


def _moved(text: str, by: timedelta) -> str:
    def shift(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + by).isoformat(sep=found[0][10])

    return _TIME.sub(shift, text)


def _other(text: str) -> str:
    """Other names and addresses; what both meshes share stays."""
    text = renamed(text)
    for name, new in _KEPT.items():
        text = re.sub(rf"(?<![A-Za-z0-9_]){new}(?![A-Za-z0-9_])", name, text)
    text = text.replace("10.244.0.", "10.244.77.")
    return re.sub(r"\b10\.96\.(?!0\.)", "10.97.", text)


def _added_items(text: str) -> list[dict[str, Any]]:
    """What the first one's namespaces hold, but for gateways: those belong to the second one's."""
    found = []
    for item in json.loads(text).get("items") or []:
        about = item["metadata"]
        spec = item.get("spec") or {}
        if about.get("namespace") in _NAMESPACES and "servers" not in spec:
            if not [name for name in spec.get("gateways", ()) if name != "mesh"]:
                found.append(item)
        elif item.get("kind", "Namespace") == "Namespace" and about["name"] in _NAMESPACES:
            found.append(item)
    return found


def _join_lists(path: str, text: str, folder: Path, by: timedelta) -> None:
    target = folder / path
    document = json.loads(target.read_text()) if target.is_file() else {"items": []}
    added = json.loads(_other(_moved(json.dumps(_added_items(text)), by)))
    document["items"] = (document.get("items") or []) + added
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document))


def _join_debug(path: str, text: str, folder: Path, by: timedelta) -> None:
    """What istiod knows of the first one's proxies and Services."""
    name = path.rpartition("/")[2]
    for target in folder.glob(f"istiod/*/*/debug/{name}"):
        if name == "syncz.json":
            rows = [row for row in json.loads(text) if _is_added(row["proxy"].rpartition(".")[2])]
        else:
            rows = [row for row in json.loads(text) if _is_added(row["Attributes"]["Namespace"])]
        added = json.loads(_other(_moved(json.dumps(rows), by)))
        target.write_text(json.dumps(json.loads(target.read_text()) + added))
        return


def _root(files: dict[str, str]) -> str:
    """The root certificate of a capture's mesh, in PEM."""
    lists = json.loads(files["kubernetes/core/v1/configmaps.json"])["items"]
    named = (item for item in lists if item["metadata"]["name"] == "istio-ca-root-cert")
    return str(next(named)["data"]["root-cert.pem"])


def _signed_by(text: str, old: str, new: str) -> str:
    """Give what one root stands in the other root: one mesh has one."""

    def within(found: re.Match[str]) -> str:
        held = base64.b64decode(found[2]).replace(old.strip().encode(), new.strip().encode())
        return found[1] + base64.b64encode(held).decode() + found[3]

    text = text.replace(json.dumps(old.strip())[1:-1], json.dumps(new.strip())[1:-1])
    return re.sub(r'("inline_bytes":\s*")([A-Za-z0-9+/=]+)(")', within, text)


def _is_added(namespace: str) -> bool:
    return namespace in _NAMESPACES


def merge(first: str, second: str, folder: Path) -> None:
    """Write the second capture, with the first one's namespaces beside its own."""
    unpack(second, folder)
    files, base = _files(first), _files(second)
    by = _captured_at(base) - _captured_at(files)
    roots = _root(files), _root(base)
    for path, given in files.items():
        text = _signed_by(given, *roots)
        room, *rest = path.split("/")
        if room == "kubernetes" and len(rest) == 3 and '"items"' in text:
            _join_lists(path, text, folder, by)
        elif room == "istiod" and rest[-1] in _LISTS:
            _join_debug(path, text, folder, by)
        elif room in ("proxies", "logs") and _is_added(rest[0]):
            target = folder / _other(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            moved = _other(_moved(text, by))
            target.write_bytes(moved.encode("utf-8", errors="surrogateescape"))


def other_name(resource: str) -> str:
    """An object of the first capture as it is called in the merged one."""
    return _other(resource)
