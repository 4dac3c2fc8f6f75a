"""Envoy's response flags: why a request ended other than the upstream's answer would explain.

The names are Envoy's own (source/common/stream_info/utility.h, the access log's RESPONSE_FLAGS and
RESPONSE_FLAGS_LONG operators).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResponseFlag:
    """One flag of Envoy's vocabulary."""

    flag: str
    """As ``%RESPONSE_FLAGS%`` prints it, e.g. ``UH``."""
    name: str
    """As ``%RESPONSE_FLAGS_LONG%`` prints it, e.g. ``NoHealthyUpstream``."""
    meaning: str
    """What it says, in a plain sentence."""


_VOCABULARY = (
    ("LH", "FailedLocalHealthCheck", "The proxy itself is failing its health check."),
    ("UH", "NoHealthyUpstream", "The cluster has no host that may be used."),
    ("UT", "UpstreamRequestTimeout", "The upstream did not answer within the route's timeout."),
    ("LR", "LocalReset", "This proxy reset the stream to the upstream."),
    ("UR", "UpstreamRemoteReset", "The upstream reset the stream."),
    ("UF", "UpstreamConnectionFailure", "No connection to the upstream could be made."),
    ("UC", "UpstreamConnectionTermination", "The upstream closed the connection mid-request."),
    ("UO", "UpstreamOverflow", "A connection pool limit was reached (circuit breaker)."),
    ("NR", "NoRouteFound", "No route, or no filter chain, matches the request."),
    ("DI", "DelayInjected", "Fault injection delayed the request."),
    ("FI", "FaultInjected", "Fault injection aborted the request."),
    ("RL", "RateLimited", "A rate limit refused the request."),
    ("UAEX", "UnauthorizedExternalService", "The external authorization service said no."),
    ("RLSE", "RateLimitServiceError", "The rate limit service failed."),
    ("DC", "DownstreamConnectionTermination", "The client went away before the answer."),
    ("URX", "UpstreamRetryLimitExceeded", "Every retry, or every attempt to connect, is used up."),
    ("SI", "StreamIdleTimeout", "The stream was idle for too long."),
    ("IH", "InvalidEnvoyRequestHeaders", "An x-envoy header of the request is not valid."),
    ("DPE", "DownstreamProtocolError", "The client does not speak the HTTP that was expected."),
    ("UMSDR", "UpstreamMaxStreamDurationReached", "The stream reached its greatest duration."),
    ("RFCF", "ResponseFromCacheFilter", "The answer came from the cache filter."),
    ("NFCF", "NoFilterConfigFound", "A filter's own configuration never arrived (ECDS)."),
    ("DT", "DurationTimeout", "The connection or request outlived its greatest duration."),
    ("UPE", "UpstreamProtocolError", "The upstream does not speak the HTTP that was expected."),
    ("NC", "NoClusterFound", "The route leads to a cluster that this proxy does not hold."),
    ("OM", "OverloadManagerTerminated", "The proxy is overloaded and shed the request."),
    ("DF", "DnsResolutionFailed", "The upstream's host name could not be resolved."),
    ("DO", "DropOverload", "The endpoints' own drop policy shed the request."),
    ("DR", "DownstreamRemoteReset", "The client reset the stream."),
    ("UDO", "UnconditionalDropOverload", "The endpoints' drop policy sheds every request."),
)

FLAGS = {flag: ResponseFlag(flag, name, meaning) for flag, name, meaning in _VOCABULARY}
"""Every flag that Envoy itself sets, by its short form."""

_BY_NAME = {item.name: item.flag for item in FLAGS.values()}


def short_flag(word: str) -> str:
    """The short form of a flag written either way; an unknown word is returned as it is."""
    return _BY_NAME.get(word, word)


def flag_meaning(flag: str) -> str:
    """What a flag says, in a plain sentence; a flag that Envoy does not define says so itself."""
    known = FLAGS.get(short_flag(flag))
    return known.meaning if known else f"Response flag {flag}, set by an extension."
