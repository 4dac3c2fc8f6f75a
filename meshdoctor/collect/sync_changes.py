"""Which proxies got or refused configuration between two looks at an istiod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.parse.syncz import parse_syncz

if TYPE_CHECKING:
    from meshdoctor.collect.named_objects import Name
    from meshdoctor.model.istiod import ProxySync

_Nonces = frozenset[tuple[str, str, str, str | None]]


def _nonces(proxy: ProxySync) -> _Nonces:
    return frozenset((item.type, item.sent, item.acked, item.error) for item in proxy.types)


def _by_proxy(syncz: bytes) -> dict[Name, frozenset[_Nonces]]:
    """A proxy may appear twice while it reconnects."""
    found: dict[Name, frozenset[_Nonces]] = {}
    for proxy in parse_syncz(syncz):
        name = proxy.namespace, proxy.pod
        found[name] = found.get(name, frozenset()) | {_nonces(proxy)}
    return found


def changed_proxies(before: bytes, after: bytes) -> frozenset[Name]:
    """The proxies whose nonces or errors differ, and those that are newly connected.

    Args:
        before: an istiod's ``/debug/syncz``.
        after: the same istiod's, later.

    Returns:
        Namespace and pod of each. One that is gone is not among them: its own istiod lost it,
        and another may hold it.

    Raises:
        ParseError: one of the documents is no syncz.
    """
    old = _by_proxy(before)
    return frozenset(name for name, now in _by_proxy(after).items() if now != old.get(name))
