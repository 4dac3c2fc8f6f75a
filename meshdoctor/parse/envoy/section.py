"""One section of a config dump, or an answer like one: short fields beside long lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from sys import intern
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from meshdoctor.parse.envoy.camel_case import (
    camel_pointers,
    is_camel_case,
    to_snake_case,
    to_snake_key,
)
from meshdoctor.parse.envoy.decoding import decode
from meshdoctor.parse.envoy.fields import Notes, text
from meshdoctor.parse.envoy.sharing import Pool, entry_key
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

_NULL = b"null"

Read = Callable[[Mapping[str, Any], str, Notes], Iterable[T]]
"""An entry and its pointer to what it holds; the notes take what cannot be read of it."""


class _State(msgspec.Struct):
    last_updated: str = ""


class _Times(msgspec.Struct):
    name: str = ""
    last_updated: str = ""
    active_state: _State | None = None


_TIMES = msgspec.json.Decoder(_Times)
_SECONDS = len("2026-01-01T00:00:00")


class Section:
    """A section whose entries are decoded one at a time, when they are read."""

    def __init__(self, raw: bytes | msgspec.Raw, pointer: str, notes: Notes, pool: Pool) -> None:
        """Take it apart.

        Args:
            raw: the section.
            pointer: where it stands.
            notes: takes what cannot be read.
            pool: what other proxies hold.

        Raises:
            ParseError: it is not a JSON object.
        """
        parts = decode(raw, dict[str, msgspec.Raw], "a JSON object")
        self._pointer = pointer
        self._notes = notes
        self._pool = pool
        self._camel = is_camel_case(parts)
        self._parts = {to_snake_key(k): v for k, v in parts.items()} if self._camel else parts

    def times(self, key: str) -> Iterator[tuple[str, str]]:
        """Name (a listener's; else empty) and time of every entry of a list, to the second."""
        for _, raw in self._entries(key, Notes()):
            try:
                found = _TIMES.decode(raw)
            except (msgspec.MsgspecError, UnicodeError):
                continue
            time = found.active_state.last_updated if found.active_state else found.last_updated
            if time:
                yield intern(found.name), intern(f"{time[:_SECONDS]}Z")

    def text(self, key: str) -> str:
        """A short field; empty when it is not a string."""
        raw = self._parts.get(key)
        return "" if raw is None else text(decode(raw, Any, "a field"))

    def read(self, key: str, read: Read[T]) -> Iterator[T]:
        """Read the entries of a list."""
        for place, raw in self._entries(key):
            yield from self._read_entry(raw, place, read)

    def read_alike(self, key: str, unread: frozenset[str], read: Read[T]) -> Iterator[T]:
        """Read the entries of a list that other proxies hold too.

        Args:
            key: the list.
            unread: names of fields of an entry that ``read`` does not look at.
            read: what it makes of an entry must be immutable, and must depend on nothing but the
                list, the entry and its pointer.
        """
        known = self._pool.entries(f"{key} in camelCase" if self._camel else key)
        for place, raw in self._entries(key):
            digest = entry_key(place, raw, unread)
            found = known.get(digest) if digest else None
            if found is None:
                noted = self._notes.count
                found = self._read_entry(raw, place, read)
                # Taken from the pool, an entry would not say again what is wrong with it.
                if digest and self._notes.count == noted:
                    known.keep(digest, found)
            yield from found

    def _entries(self, key: str, notes: Notes | None = None) -> Iterator[tuple[str, msgspec.Raw]]:
        """The entries of a list; ``notes`` (the section's own if None) takes what is wrong."""
        raw = self._parts.get(key)
        if raw is None or memoryview(raw) == _NULL:
            return
        at = f"{self._pointer}/{key}"
        try:
            entries = decode(raw, list[msgspec.Raw], "a list")
        except ParseError:
            (self._notes if notes is None else notes).add(at, "not a list")
            return
        for index, entry in enumerate(entries):
            yield intern(f"{at}/{index}"), entry

    def _read_entry(self, raw: msgspec.Raw, place: str, read: Read[T]) -> tuple[T, ...]:
        try:
            entry = decode(raw, Any, "an entry")
        except ParseError as error:
            self._notes.add(place, str(error))
            return ()
        if not isinstance(entry, dict):
            self._notes.add(place, "not an object")
            return ()
        if self._camel:
            return camel_pointers(tuple(read(to_snake_case(entry), place, self._notes)))
        return tuple(read(entry, place, self._notes))
