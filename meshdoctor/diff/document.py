"""A comparison as JSON, a contract for programs (docs/diff.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.diff.change import (
        CertificateChange,
        Comparison,
        Explained,
        ObjectChange,
        ProxyChange,
    )
    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.snapshot import About

SCHEMA_VERSION = "1"
_SIDES = ("old", "new")


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")


def _about(about: About) -> dict[str, Any]:
    return {
        "name": about.name,
        "captured_at": _time(about.captured_at),
        "kubernetes": about.kubernetes,
        "istio": about.istio,
    }


def _cause(cause: RootCause) -> dict[str, Any]:
    return {
        "id": cause.id,
        "title": cause.title,
        "certainty": cause.certainty.value,
        "severity": cause.severity.value,
        "objects": list(cause.objects),
    }


def _explained(item: Explained) -> dict[str, Any]:
    by = [
        {"object": change.object, "change": change.change.value, "why": why}
        for change, why in item.changes
    ]
    return {**_cause(item.cause), "known_before": item.known_before, "explained_by": by}


def _object(item: ObjectChange) -> dict[str, Any]:
    return {
        "object": item.object,
        "change": item.change.value,
        "at": _time(item.at),
        "derived": item.derived,
        "fields": [{"path": f.path, "old": f.old, "new": f.new} for f in item.fields],
    }


def _proxy(item: ProxyChange) -> dict[str, Any]:
    return {
        "proxy": item.proxy,
        "change": item.change.value,
        "version": None if item.version is None else dict(zip(_SIDES, item.version, strict=True)),
        "sync": [{"type": kind, "old": old, "new": new} for kind, old, new in item.sync],
        "parts": [
            {"part": p.part, "name": p.name, "change": p.change.value, "detail": p.detail}
            for p in item.parts
        ],
    }


def _certificate(item: CertificateChange) -> dict[str, Any]:
    return {
        "subject": item.subject,
        "old": item.old,
        "new": item.new,
        "days_left": dict(zip(_SIDES, item.days_left, strict=True)),
        "routine": item.routine,
    }


def part_json(part: Any) -> dict[str, Any] | None:
    """One part of a comparison as the whole document has it; None for what is no part.

    Args:
        part: a change, a root cause, or one with what explains it.
    """
    from meshdoctor.diff import change
    from meshdoctor.model import diagnosis

    made = {
        change.Explained: _explained,
        change.ObjectChange: _object,
        change.ProxyChange: _proxy,
        change.CertificateChange: _certificate,
        diagnosis.RootCause: _cause,
    }
    make: Any = made.get(type(part))
    return None if make is None else make(part)


def comparison_json(found: Comparison) -> dict[str, Any]:
    """A whole comparison.

    Args:
        found: the comparison.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "old": _about(found.old),
        "new": _about(found.new),
        "same": found.same,
        "root_causes": {
            "new": [_explained(item) for item in found.explained],
            "gone": [_cause(item) for item in found.gone],
            "untold": [_cause(item) for item in found.untold],
            "still": [_cause(item) for item in found.still],
        },
        "objects": [_object(item) for item in found.objects],
        "proxies": [_proxy(item) for item in found.proxies],
        "certificates": [_certificate(item) for item in found.certificates],
        "not_compared": [{"what": what, "side": side} for what, side in found.not_compared],
    }
