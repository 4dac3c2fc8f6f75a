"""``trace -o json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.report.diagnosis_json import evidence_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.model.trace import Hop, Outcome, Walk

SCHEMA_VERSION = "1"


def hop_json(hop: Hop) -> dict[str, Any]:
    """One hop."""
    return {
        "place": hop.place.value,
        "what": hop.what,
        "name": hop.name,
        "verdict": hop.verdict.value,
        "because": hop.because,
        "objects": list(hop.objects),
        "basis": hop.basis.value,
        "proxy": hop.proxy,
        "branch": list(hop.branch),
        "evidence": [evidence_json(item) for item in hop.evidence],
    }


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """One outcome; ``origin`` is what the log of the proxy that makes it says."""
    return {
        "status": outcome.status,
        "flags": list(outcome.flags),
        "details": outcome.details,
        "share": round(outcome.share, 4),
        "condition": outcome.condition,
        "delivered": outcome.delivered,
        "place": outcome.place.value,
        "because": outcome.because,
        "objects": list(outcome.objects),
        "origin": {"flags": list(outcome.origin_flags), "details": outcome.origin_details},
    }


def trace_json(walk: Walk, why_403: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A whole walk.

    Args:
        walk: what to tell.
        why_403: for each hop at which authorization refuses it, why, as plain values.
    """
    request = walk.request
    return {
        "schema_version": SCHEMA_VERSION,
        "request": {
            "from": str(request.client),
            "from_gateway": request.from_gateway,
            "host": request.host,
            "port": request.port,
            "method": request.method,
            "path": request.path,
            "headers": dict(request.headers),
            "token": request.has_token,
        },
        "outcomes": [outcome_json(item) for item in walk.outcomes],
        "hops": [hop_json(item) for item in walk.hops],
        "why_403": list(why_403),
        "differences": [
            {
                "proxy": item.proxy,
                "text": item.text,
                "objects": list(item.objects),
                "age_seconds": item.age,
                "evidence": [evidence_json(one) for one in item.evidence],
            }
            for item in walk.differences
        ],
        "unknown": [
            {"what": item.what, "why": item.why, "decisive": item.decisive} for item in walk.unknown
        ],
    }
