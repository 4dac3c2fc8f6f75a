"""Objects from many files, sorted into the Lists that a recording keeps."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from meshdoctor.imports.documents import to_json
from meshdoctor.model.kinds import ALL, Kind
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CORE = "core"
_BY_GROUP_AND_NAME = {(kind.group, kind.name): kind for kind in ALL}
_VERSION = "v1"


def kind_of(raw: Mapping[str, Any]) -> Kind | None:
    """The kind of an object, by its ``apiVersion`` and ``kind``; None for one that nobody reads."""
    group, slash, _ = str(raw.get("apiVersion") or "").partition("/")
    return _BY_GROUP_AND_NAME.get((group if slash else _CORE, str(raw.get("kind") or "")))


class Shelf:
    """The objects found so far, each once: the first file that holds one counts."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[tuple[str, str], Mapping[str, Any]]] = defaultdict(dict)
        self._covered: set[Kind] = set()

    def add(self, raw: Mapping[str, Any], hint: Kind | None = None) -> Kind | None:
        """Keep an object.

        Args:
            raw: the object.
            hint: its kind where it does not say.

        Returns:
            Its kind; None when it is no object, or of a kind that nobody reads.
        """
        kind = kind_of(raw) or (None if raw.get("kind") else hint)
        metadata = as_mapping(raw.get("metadata"))
        name = metadata.get("name")
        if kind is None or not isinstance(name, str) or not name:
            return None
        self._objects[kind].setdefault((str(metadata.get("namespace") or ""), name), raw)
        return kind

    def cover(self, kind: Kind) -> None:
        """Note that the archive lists this kind whole, even when there are none."""
        self._covered.add(kind)

    @property
    def kinds(self) -> set[Kind]:
        """The kinds of which there is a List."""
        return {*self._objects, *self._covered}

    def namespaces(self, kind: Kind) -> set[str]:
        """The namespaces of a kind's objects."""
        return {namespace for namespace, _ in self._objects.get(kind, ())}

    def of(self, kind: Kind) -> list[Mapping[str, Any]]:
        """A kind's objects."""
        return list(self._objects.get(kind, {}).values())

    def lists(self) -> Iterator[tuple[str, bytes]]:
        """Path and content of each List, as the API server would answer."""
        for kind in sorted(self.kinds, key=lambda item: item.input):
            items = self.of(kind)
            versions = (str(item.get("apiVersion") or "").rpartition("/")[2] for item in items)
            version = next((text for text in versions if text.isalnum()), _VERSION)
            api = version if kind.group == _CORE else f"{kind.group}/{version}"
            document = {"apiVersion": api, "kind": f"{kind.name}List", "items": items}
            path = f"kubernetes/{kind.group}/{version}/{kind.plural}.json"
            yield path, to_json(document)
