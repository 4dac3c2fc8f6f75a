"""The commands that show one change of a comparison."""

from __future__ import annotations

from meshdoctor.diff.change import CertificateChange, Change, ObjectChange, ProxyChange


def showing(change: object, whole: str) -> tuple[str, ...]:
    """What shows a change, the nearest first; empty for nothing.

    Args:
        change: an object's, a proxy's or a certificate's change; anything else for the whole.
        whole: the command that makes the comparison; empty where none does.
    """
    chosen = _filter(change)
    found = [f"{whole} -o json | jq '{chosen}'" if whole and chosen else whole]
    if isinstance(change, ObjectChange) and change.change is not Change.REMOVED:
        found.append(change.command)
    return tuple(dict.fromkeys(filter(None, found)))


def _filter(change: object) -> str:
    """A jq filter that leaves one change of ``diff -o json``."""
    if isinstance(change, ObjectChange):
        return f'.objects[] | select(.object == "{change.object}")'
    if isinstance(change, ProxyChange):
        return f'.proxies[] | select(.proxy == "{change.proxy}")'
    if isinstance(change, CertificateChange):
        return f'.certificates[] | select(.subject == "{change.subject}")'
    return ""
