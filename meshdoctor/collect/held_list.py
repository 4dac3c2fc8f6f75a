"""A List that is kept current: its items as they were written, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from meshdoctor.collect.list_document import ListDocument, item_name, read_list, write_list
from meshdoctor.collect.watch_event import EventType

if TYPE_CHECKING:
    from meshdoctor.collect.named_objects import Name
    from meshdoctor.collect.watch_event import WatchEvent


class HeldList:
    """The objects of one kind."""

    def __init__(self, data: bytes) -> None:
        """Begin with a List as it was read.

        Args:
            data: the document.

        Raises:
            ReadError: it is no List.
        """
        self._document = ListDocument()
        self._items: dict[Name, msgspec.Raw] = {}
        self.replace(data)

    @property
    def resource_version(self) -> str:
        """Where a watch goes on from; empty when the List does not tell."""
        return self._document.metadata.resource_version

    @property
    def size(self) -> int:
        """Bytes of all items."""
        return sum(memoryview(item).nbytes for item in self._items.values())

    def replace(self, data: bytes) -> bool:
        """Take a whole new List.

        Args:
            data: the document.

        Returns:
            Whether any object is another than before.

        Raises:
            ReadError: it is no List.
        """
        document = read_list(data)
        items = {item_name(item): item for item in document.raw_items}
        document.items = None
        before, self._document, self._items = self._items, document, items
        return before.keys() != items.keys() or any(
            bytes(before[name]) != bytes(item) for name, item in items.items()
        )

    def apply(self, event: WatchEvent) -> bool:
        """Take one event.

        Returns:
            Whether any object is another than before.
        """
        if event.resource_version:
            self._document.metadata.resource_version = event.resource_version
        name = (event.namespace, event.name)
        if event.type is EventType.BOOKMARK or not event.name:
            return False
        if event.type is EventType.DELETED:
            return self._items.pop(name, None) is not None
        before, self._items[name] = self._items.get(name), event.item
        return before is None or bytes(before) != bytes(event.item)

    def document(self) -> bytes:
        """The List as it is now, its items in the API server's own order."""
        return write_list(self._document, (self._items[name] for name in sorted(self._items)))
