"""Captures under other names: the same mesh, as if somebody else had built it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.recording.archive import open_archive
from tests.captures.test_every_capture import capture

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    # namespaces
    "amb": "meadow-2",
    "istio-system": "servicemesh",
    "legacy": "attic",
    "pay": "team-till",
    "shop": "bazaar",
    # workloads, Services and service accounts
    "agent": "errand",
    "callee": "answerer",
    "caller": "asker",
    "client": "robot",
    "ingressgateway": "frontdoor",
    "legacy-api": "old-ledger",
    "legacy-client": "old-reader",
    "payments": "bookings",
    "ratings": "stars-api",
    "reviews": "comments",
    "waypoint": "tollhouse",
    "web": "site",
    # objects of the faults
    "a-permissive": "soft",
    "bad-filter": "tweak",
    "callee-only-8080": "only-some",
    "deny-from-shop": "closed-door",
    "ext": "outside",
    "get-only": "readers",
    "later": "second",
    "lock": "shut",
    "payments-allow": "who-may",
    "payments-limits": "caps",
    "payments-mtls": "tls-on",
    "payments-plain": "tls-off",
    "payments-public": "front-route",
    "ratings-override": "detour",
    "require-jwt": "token-please",
    "shop-cert": "bazaar-tls",
    "shop-gateway": "doorway",
    "small": "tight",
}
"""Names of the captures' mesh. Istio's own words (istiod, ztunnel, default) stay."""
PORTS = {"8080": "9480", "9999": "9555"}

_LONGEST_FIRST = sorted(NAMES, key=len, reverse=True)
# A name is a word, or one before a version or a hash; ``client_side`` is another word.
_WORD = re.compile(
    r"(?<![A-Za-z0-9_])(" + "|".join(map(re.escape, _LONGEST_FIRST)) + r")(?![A-Za-z0-9_])"
)
_PORT = re.compile(r"(?<![0-9A-Fa-f.\-])(" + "|".join(PORTS) + r")(?![0-9A-Fa-f.\-])")
_ENGLISH = frozenset({"agent", "caller", "client", "ext", "later", "lock", "small", "web"})
"""Names that sentences of istiod and Envoy hold as ordinary words."""
_WAYPOINT_OF_ISTIO = re.compile(r"(io/|istio-|use-|type |to |Istio |unknown |gateway\.)$")
"""What stands before the word where Istio's own labels, classes and lines say it."""


def _is_name(text: str, found: re.Match[str]) -> bool:
    before, after = text[max(0, found.start() - 12) : found.start()], text[found.end() :][:6]
    if found[0] == "waypoint":
        is_key = re.match(r'\\*": ?[\[{]', after) or after.startswith("-for")
        return not is_key and not _WAYPOINT_OF_ISTIO.search(before)
    if found[0] in _ENGLISH:
        return not (before.endswith(" ") and (not after or after[0] in " ,:;.)\n"))
    return True


def renamed(text: str, *, ports: bool = False) -> str:
    """The text with every name of the captures' mesh replaced; their ports too when asked."""
    text = _WORD.sub(lambda it: NAMES[it[0]] if _is_name(text, it) else it[0], text)
    return _PORT.sub(lambda it: PORTS[it[0]], text) if ports else text


def write_renamed(name: str, folder: Path, *, ports: bool = False) -> None:
    """Unpack a capture under other names."""
    for entry in open_archive(capture(name)).entries():
        target = folder / renamed(entry.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = entry.data.decode("utf-8", errors="surrogateescape")
        target.write_bytes(renamed(text, ports=ports).encode("utf-8", errors="surrogateescape"))
