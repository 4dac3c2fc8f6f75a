"""Whether a sample pod could be asked, and by which way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.check.outcome import Result, failed, joined, passed, skipped, unknown, warned

if TYPE_CHECKING:
    from meshdoctor.collect.preflight import Sampled


def reach(sample: Sampled, what: str) -> Result:
    """Judge an attempt to ask one pod.

    Args:
        sample: the pod and what came of each way.
        what: how such a pod is called, for the case that there is none.
    """
    if sample.error is not None:
        return unknown(f"no pod could be chosen: {sample.error.reason}")
    if sample.pod is None:
        return skipped(f"there is no running {what} to ask")
    refusals = joined(f"{r.way}: {r.error.reason}" for r in sample.reached if r.error is not None)
    way = sample.answered_by
    if way is None:
        return failed(f"{sample.pod} does not answer ({refusals or 'no way to it is known'})")
    if refusals:
        return warned(f"{sample.pod} answers by {way} only ({refusals})")
    return passed(f"{sample.pod} answers by {way}")
