"""EnvoyFilter patches that Envoy refuses for certain: a filter without a field that it demands.

istiod passes a patch on without looking into it; Envoy checks the rules of the filter's API
(``validate.rules`` in its protos) and refuses the whole listener. Only what needs no proxy to tell
is here: filters that a patch brings as a whole, and fields that may not be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_FILTERS = "type.googleapis.com/envoy.extensions.filters."
_DEMANDED: Mapping[str, tuple[str, ...]] = {
    "http.buffer.v3.Buffer": ("max_request_bytes",),
    "http.bandwidth_limit.v3.BandwidthLimit": ("stat_prefix",),
    "http.local_ratelimit.v3.LocalRateLimit": ("stat_prefix",),
    "http.ratelimit.v3.RateLimit": ("domain", "rate_limit_service"),
    "network.local_ratelimit.v3.LocalRateLimit": ("stat_prefix", "token_bucket"),
    "network.ratelimit.v3.RateLimit": ("stat_prefix", "domain", "rate_limit_service"),
    "network.rbac.v3.RBAC": ("stat_prefix",),
    "network.tcp_proxy.v3.TcpProxy": ("stat_prefix",),
}
"""Fields whose absence, emptiness or zero Envoy refuses (api/envoy/extensions/filters)."""
_WHOLE = frozenset({"ADD", "INSERT_AFTER", "INSERT_BEFORE", "INSERT_FIRST", "REPLACE"})
"""Operations whose value is the whole filter; a MERGE may complete one."""


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _holds(config: Mapping[str, Any], field: str) -> bool:
    """Whether a field has a value that Envoy may take: of a size, a number of bytes above 0."""
    value = config.get(field) or config.get(_camel(field))
    if field.endswith("_bytes"):
        return str(value).isdecimal() and int(str(value)) > 0
    return bool(value)


def lacking_field(patch: Mapping[str, Any]) -> str:
    """The field that Envoy refuses a patch's filter without; empty where it may take it.

    Args:
        patch: one of ``spec.configPatches``.
    """
    change = as_mapping(patch.get("patch"))
    value = as_mapping(change.get("value"))
    config = as_mapping(value.get("typed_config") or value.get("typedConfig"))
    demanded = _DEMANDED.get(str(config.get("@type") or "").removeprefix(_FILTERS), ())
    if str(change.get("operation") or "") not in _WHOLE:
        return ""
    for field in demanded:
        if not _holds(config, field):
            return field
    return ""
