"""A List answer, taken apart no further than its items: pages are joined, items replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.collect.read_reasons import failed

if TYPE_CHECKING:
    from collections.abc import Iterable


class ListMetadata(msgspec.Struct, rename="camel"):
    """Metadata of a List (meta/v1 ListMeta)."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class ListDocument(msgspec.Struct, rename="camel"):
    """A List whose items are kept as they were written."""

    kind: str = "List"
    api_version: str = "v1"
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: list[msgspec.Raw] | None = None

    @property
    def raw_items(self) -> list[msgspec.Raw]:
        """The items; a Go server writes null for none."""
        return self.items or []


class _Name(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct):
    metadata: _Name = msgspec.field(default_factory=_Name)


_DECODER = msgspec.json.Decoder(ListDocument)
_NAME_DECODER = msgspec.json.Decoder(_Named)


def read_list(data: bytes) -> ListDocument:
    """Take a List answer apart.

    Raises:
        ReadError: it is no List.
    """
    try:
        document = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise failed(f"the answer is no List: {error}") from None
    if not document.kind.endswith("List"):
        raise failed(f"the answer is no List but a {document.kind}")
    return document


def write_list(document: ListDocument, items: Iterable[msgspec.Raw]) -> bytes:
    """A whole List with these items, of the same kind and version.

    Args:
        document: a page of it.
        items: all of its items.
    """
    metadata = {"resourceVersion": document.metadata.resource_version}
    whole: dict[str, Any] = {
        "kind": document.kind,
        "apiVersion": document.api_version,
        "metadata": metadata,
        "items": list(items),
    }
    return msgspec.json.encode(whole)


def item_name(item: msgspec.Raw | bytes) -> tuple[str, str]:
    """An item's namespace and name; both empty when it is garbled."""
    try:
        metadata = _NAME_DECODER.decode(item).metadata
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    return metadata.namespace, metadata.name
