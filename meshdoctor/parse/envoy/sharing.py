"""What proxies hold alike, kept once for all of them.

The sidecars of a mesh hold nearly the same configuration, and Envoy prints it in nearly the same
order (clusters and endpoints by name), so that most entries of a config dump stand, byte for byte,
at the same place in the dump of another proxy. Such an entry is read once. What is read anew, since
it stands elsewhere, still shares its parts: matches, destinations, limits.

Nothing is kept beyond its use: the pool is referred to weakly here and strongly by the dumps and
host statuses that were read with it, so it goes when the last of them goes. It is bounded, and
starts over when it is full. Threads that read at the same moment may keep a part twice, which costs
memory and no more.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    import hashlib

MOST = 65_536
"""Entries of the lists of one name, and parts, that a pool holds; some 150 bytes each."""

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

TIMES = frozenset({"last_updated"})
"""What the entries of all proxies differ in, and no reader looks at."""
TIMES_AND_VERSIONS = TIMES | {"version_info"}
"""The same where no reader looks at the version of an entry."""
_STATES = frozenset({"active_state", "warming_state", "draining_state"})
"""Fields of a listener's entry that hold such fields in turn."""
_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Known(dict[K, V]):
    """A dictionary that forgets everything when it is full."""

    def keep(self, key: K, value: V) -> V:
        """Add a value and return it."""
        if len(self) >= MOST:
            self.clear()
        self[key] = value
        return value


class Pool:
    """The entries and parts that were read so far."""

    __slots__ = ("__weakref__", "_entries", "_parts")

    def __init__(self) -> None:
        """Start with nothing."""
        self._entries: defaultdict[str, Known[bytes, tuple[Any, ...]]] = defaultdict(Known)
        self._parts: Known[Any, Any] = Known()

    def entries(self, name: str) -> Known[bytes, tuple[Any, ...]]:
        """What the entries of the lists of this name became, by their key.

        Each has room of its own: lists whose order differs from proxy to proxy must not drive out
        those that are sorted.
        """
        return self._entries[name]

    def part(self, part: T) -> T:
        """The part itself, or the equal one that was met first."""
        found: T | None = self._parts.get(part)
        return self._parts.keep(part, part) if found is None else found


_latest = weakref.ref(Pool())


def open_pool() -> Pool:
    """The pool of the dumps that are still held; a new one when none are."""
    global _latest
    pool = _latest()
    if pool is None:
        pool = Pool()
        _latest = weakref.ref(pool)
    return pool


def shared(part: T) -> T:
    """The part, which must be hashable and immutable, or an equal one that another proxy holds."""
    pool = _latest()
    return part if pool is None else pool.part(part)


def entry_key(place: str, raw: msgspec.Raw, unread: frozenset[str]) -> bytes | None:
    """What two entries have in common exactly when they are read alike.

    Args:
        place: the entry's pointer, which its parts' pointers begin with.
        raw: the entry.
        unread: names of fields that make no difference.

    Returns:
        A digest of the place and of the entry without those fields; None when the entry, or the
        state of a listener in it, is not an object.
    """
    digest = sha256(place.encode())
    try:
        _add(digest, raw, unread)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    return digest.digest()


def _add(digest: hashlib._Hash, raw: msgspec.Raw, unread: frozenset[str]) -> None:
    """Add an object's fields, each name in its quotes so that it ends where it ends."""
    digest.update(b"{")
    for key, value in _DECODER.decode(raw).items():
        if key in unread:
            continue
        digest.update(msgspec.json.encode(key))
        if key in _STATES:
            _add(digest, value, unread)
        else:
            digest.update(value)
    digest.update(b"}")
