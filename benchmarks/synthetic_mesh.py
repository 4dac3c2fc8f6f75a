"""A recording of a big mesh, made of a bundled one: its namespaces again and again.

Every copy ("cell") has names and addresses of its own: five Services, seven workloads of two pods
each or so, and five sidecars whose dumps are read. 200 cells are a mesh of 1,000 Services, 3,000
pods and 1,000 proxies.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from meshdoctor.recording.archive import open_archive
from meshdoctor.resources import bundled_recordings

if TYPE_CHECKING:
    from pathlib import Path

SERVICES, PODS, PROXIES = 5, 15, 5
"""Of each cell."""
_NAMESPACES = ("shop", "pay", "legacy")
_NAMESPACE = re.compile(r"(?<![A-Za-z0-9_])(shop|pay|legacy)(?![A-Za-z0-9_-])")
_POD_IP = re.compile(r"(?<![0-9.])10\.244\.0\.")
_SERVICE_IP = re.compile(r"(?<![0-9.])10\.96\.(?!0\.)\d+\.\d+")
_UNREAD = "web-v1-"
"""Its sidecars are not read, as in a mesh that is too big to read whole."""
_DEBUG = {"syncz.json", "registryz.json"}


class Cell:
    """One copy of the namespaces."""

    def __init__(self, number: int) -> None:
        """The copy with this number."""
        self.number = number
        self._addresses: dict[str, str] = {}

    def text(self, text: str) -> str:
        """A file or an object under the cell's names and addresses."""
        high, low = divmod(self.number, 250)
        text = _NAMESPACE.sub(lambda found: f"{found[0]}-{self.number:03}", text)
        text = _POD_IP.sub(f"10.{128 + high}.{low}.", text)
        return _SERVICE_IP.sub(self._service_ip, text)

    def _service_ip(self, found: re.Match[str]) -> str:
        high, low = divmod(self.number, 250)
        default = f"10.{192 + high}.{low}.{len(self._addresses) + 1}"
        return self._addresses.setdefault(found[0], default)


def _belongs(item: dict[str, Any]) -> bool:
    about = item["metadata"]
    return about.get("namespace", about["name"]) in _NAMESPACES


def _replica(pod: dict[str, Any]) -> dict[str, Any]:
    """A second pod of the same workload."""
    name, address = pod["metadata"]["name"], pod["status"].get("podIP", "10.244.0.0")
    other = address.rpartition(".")
    text = json.dumps(pod).replace(name, name[:-5] + "copy2")
    return dict(json.loads(text.replace(address, f"{other[0]}.{int(other[2]) % 100 + 150}")))


def _lists(files: dict[str, str], cells: list[Cell], folder: Path) -> None:
    for path, text in files.items():
        if not path.startswith("kubernetes/") or '"items"' not in text:
            continue
        document = json.loads(text)
        items = document.get("items") or []
        mine = [item for item in items if _belongs(item)]
        if path.endswith("/pods.json"):
            # Of eight pods seven get a replica: fifteen.
            names = [(item, item["metadata"]["name"]) for item in mine]
            mine += [_replica(item) for item, name in names if "legacy-client" not in name]
        if path.endswith("/events.json"):
            mine = mine[:20]
        pattern = json.dumps(mine)
        kept = [item for item in items if not _belongs(item)]
        for cell in cells:
            kept += json.loads(cell.text(pattern))
        document["items"] = kept
        _write(folder / path, json.dumps(document))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, errors="surrogateescape")


def _istiod(path: str, text: str, cells: list[Cell], folder: Path) -> None:
    name = path.rpartition("/")[2]
    if name not in _DEBUG:
        _write(folder / path, text)
        return
    rows = json.loads(text)

    def is_mine(row: dict[str, Any]) -> bool:
        namespace = row.get("Attributes", {}).get("Namespace") or row["proxy"].rpartition(".")[2]
        return namespace in _NAMESPACES

    pattern = json.dumps([row for row in rows if is_mine(row)])
    kept = [row for row in rows if not is_mine(row)]
    for cell in cells:
        kept += json.loads(cell.text(pattern))
    _write(folder / path, json.dumps(kept))


def write_synthetic(folder: Path, count: int) -> None:
    """Write a recording with this many cells.

    Args:
        folder: an empty folder.
        count: cells; 200 make 1,000 proxies.
    """
    healthy = next(path for path in bundled_recordings() if path.name.startswith("healthy"))
    entries = open_archive(healthy).entries()
    files = {item.path: item.data.decode("utf-8", errors="surrogateescape") for item in entries}
    cells = [Cell(number) for number in range(count)]
    _lists(files, cells, folder)
    for path, text in files.items():
        room, namespace, *rest = (*path.split("/"), "")
        if room == "istiod":
            _istiod(path, text, cells, folder)
        elif room == "proxies" and namespace in _NAMESPACES:
            if rest[0].startswith(_UNREAD):
                continue
            for cell in cells:
                _write(folder / cell.text(path), cell.text(text))
        elif room != "kubernetes" or '"items"' not in text:
            _write(folder / path, text)
