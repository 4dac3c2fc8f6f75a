"""What a person asked, in the collectors' own words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.collect.logs import LogBounds
from meshdoctor.collect.options import CollectOptions
from meshdoctor.collect.plan import Question

if TYPE_CHECKING:
    from meshdoctor.live.options import LiveOptions


def collect_options(options: LiveOptions, *, everything: bool = False) -> CollectOptions:
    """What to collect.

    Args:
        options: what was asked.
        everything: also what only a person who opens a recording looks at.
    """
    question = Question(
        namespaces=options.namespaces,
        selector=options.selector,
        source=options.source,
        to=options.to,
        pod=options.pod,
        max_proxies=options.max_proxies,
    )
    return CollectOptions(
        question=question,
        istio_namespace=options.istio_namespace,
        revision=options.revision,
        proxies=options.proxies,
        port_forward=options.port_forward,
        logs=options.logs,
        application_logs=options.logs and everything,
        log_bounds=replace(LogBounds(), since=options.logs_since),
        everything=everything,
        # One worker for each request in flight: those that wait for a slot only hold memory.
        workers=options.concurrency,
        request_timeout=options.cluster.request_timeout,
        pod_timeout=options.cluster.request_timeout * 3,
    )
