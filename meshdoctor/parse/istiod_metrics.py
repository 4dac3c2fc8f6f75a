"""Read istiod's ``/metrics`` (Prometheus' text format): the few families worth keeping.

Names are of pilot/pkg/xds/monitoring.go.
"""

from __future__ import annotations

import re

from meshdoctor.model.istiod_metrics import Bucket, IstiodMetrics

_CONVERGENCE = re.compile(
    r'pilot_proxy_convergence_time_bucket\{(?:[^}]*,)?le="(?P<le>[^"]+)"[^}]*\} (?P<count>\S+)'
)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def parse_istiod_metrics(data: bytes) -> IstiodMetrics:
    """Read the metrics of one istiod.

    Args:
        data: the answer; lines of other metrics, and garbled ones, are passed over.
    """
    buckets = []
    for line, text in enumerate(data.decode("utf-8", errors="replace").split("\n"), start=1):
        found = _CONVERGENCE.match(text)
        if found is None:
            continue
        limit, count = _number(found["le"]), _number(found["count"])
        # A NaN compares as nothing, and no count is infinite.
        if limit is not None and count is not None and limit == limit and 0 <= count < 2**53:
            buckets.append(Bucket(limit, int(count), line, text.rstrip("\r")))
    return IstiodMetrics(tuple(sorted(buckets, key=lambda bucket: bucket.at_most)))
