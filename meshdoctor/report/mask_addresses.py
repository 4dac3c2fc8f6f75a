"""IP addresses as addresses of documentation (RFC 5737, RFC 3849): a network of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

_IPV4 = re.compile(r"(?<![A-Za-z0-9.])(\d{1,3}(?:\.\d{1,3}){3})(?![A-Za-z0-9]|\.\d)")
_DASHED = re.compile(r"(?<![\w-])(?:ip-)?(\d{1,3}(?:-\d{1,3}){3})(?![\w-])")
_IPV6 = re.compile(r"(?<![\w:.])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![0-9A-Za-z:]|\.\w)")
"""Envoy calls a listener ``fd00::1_8080``, and a sentence may end behind an address."""
_PARTS = (IPv4Address("192.0.2.1"), IPv4Address("198.51.100.1"), IPv4Address("203.0.113.1"))
_HOSTS = 254
_MORE = IPv4Address("198.18.0.0")
"""Where the three networks of RFC 5737 are full: RFC 2544's, that is nobody's either."""
_SIX = IPv6Address("2001:db8::")
_OWN = frozenset(("127.0.0.6", "169.254.7.127"))
"""Istio's: the inbound passthrough's source and the ztunnel's probes."""


def _documentation(number: int, version: int) -> str:
    """The n-th address of documentation, from 0."""
    if version == 6:
        return str(_SIX + number + 1)
    part, host = divmod(number, _HOSTS)
    if part < len(_PARTS):
        return str(_PARTS[part] + host)
    return str(_MORE + number)


@dataclass(slots=True)
class Addresses:
    """The pseudonyms of addresses, given out in the order in which they are met."""

    taken: dict[str, str] = field(default_factory=dict)
    """Pseudonym by address."""

    def mask(self, text: str) -> str:
        """The text with other addresses; prefix lengths and ports stay."""
        if not any(letter.isdigit() for letter in text) and ":" not in text:
            return text
        text = _IPV4.sub(lambda found: self._of(found[1]), text)
        text = _DASHED.sub(lambda found: found[0].replace(found[1], self._dashed(found[1])), text)
        return _IPV6.sub(lambda found: self._six(found[1]), text)

    def _six(self, written: str) -> str:
        """``fd00::1: refused``: the last colon is the sentence's."""
        ends_in_one = written.endswith(":") and not written.endswith("::")
        return f"{self._of(written[:-1])}:" if ends_in_one else self._of(written)

    def _dashed(self, written: str) -> str:
        return self._of(written.replace("-", ".")).replace(".", "-")

    def _of(self, written: str) -> str:
        try:
            address = ip_address(written)
        except ValueError:
            return written
        if address.is_loopback or address.is_unspecified or str(address) in _OWN:
            return written
        if str(address) not in self.taken:
            count = sum(1 for known in self.taken if (":" in known) == (address.version == 6))
            self.taken[str(address)] = _documentation(count, address.version)
        return self.taken[str(address)]
