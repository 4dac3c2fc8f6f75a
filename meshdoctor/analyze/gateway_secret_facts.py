"""What the gateway's proxies and istiod say of a Secret: held, waited for, refused, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.proxy_evidence import config_evidence
from meshdoctor.analyze.sync_rejections import istiod_log_evidence
from meshdoctor.model.envoy.config_dump import SECRETS
from meshdoctor.model.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.gateway_credentials import Credential
    from meshdoctor.model.envoy import Secret
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.log_line import LogLine
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

WAITS = "gateway-waits-for-secret"
"""Fact: the gateway's proxies asked for the Secret and never got it, or refused it."""
_MISSING = re.compile(r"secret \S+ not found")
_KEYS = re.compile(r"found secret, but didn't have expected keys|found keys .* empty")
_EXPIRED = re.compile(r"certificate is expired or not yet valid")
_INVALID = re.compile(r"invalid certificates: ")
_REFUSED = re.compile(r"Failed to load (?:private key|certificate)|KEY_VALUES_MISMATCH")


@dataclass(frozen=True, slots=True)
class Holding:
    """What one proxy has of one resource."""

    proxy: Proxy
    name: str
    secret: Secret | None
    """None when the proxy never heard of it."""

    @property
    def waits(self) -> bool:
        """Whether it was asked for and never came."""
        return self.secret is not None and self.secret.status in ("WARMING", "UNINITIALIZED")

    @property
    def evidence(self) -> Evidence:
        """The entry's name; there must be one."""
        command = f"istioctl proxy-config secret {self.proxy.id}"
        pointer = f"{self.secret.pointer}/name" if self.secret else ""
        return config_evidence(self.proxy, pointer, self.name, command)


def holdings(credential: Credential, proxies: tuple[Proxy, ...]) -> tuple[Holding, ...]:
    """What the proxies of the credential's namespace hold of it, as far as they were read."""
    return tuple(
        Holding(proxy, name, proxy.config.secret(name))
        for proxy in proxies
        if proxy.namespace == credential.namespace
        and proxy.config is not None
        and proxy.config.has(SECRETS)
        for name in credential.resource_names
    )


def waits_fact(found: tuple[Holding, ...]) -> Fact:
    """The fact that the proxies wait for the Secret."""
    waiting = [item for item in found if item.waits]
    if waiting:
        text = f"{waiting[0].proxy.id} still waits for {waiting[0].name}"
        return holds(WAITS, text, *(item.evidence for item in waiting[:3]))
    if not found:
        return unread(WAITS, "No gateway pod's secrets could be read")
    return silent(WAITS, "The gateway's proxies do not wait for it; they may hold an older one")


@dataclass(frozen=True, slots=True)
class Said:
    """What istiod last said of a Secret."""

    istiod: Istiod
    line: LogLine

    @property
    def reason(self) -> str:
        """``missing``, ``keys``, ``expired``, ``invalid`` or empty."""
        text = self.line.message
        for word, pattern in (
            ("missing", _MISSING),
            ("keys", _KEYS),
            ("expired", _EXPIRED),
            ("invalid", _INVALID),
        ):
            if pattern.search(text):
                return word
        return ""

    @property
    def evidence(self) -> Evidence:
        """The line."""
        return istiod_log_evidence(self.istiod, self.line)


def _lines(mesh: Snapshot, credential: Credential) -> Iterator[Said]:
    since = credential.gateway.created
    names = re.compile(
        "|".join(re.escape(name) + r"(?![\w.-])" for name in credential.resource_names)
    )
    for istiod in mesh.istiods:
        for line in istiod.log.lines if istiod.log else ():
            told = line.time is not None and (since is None or line.time >= since)
            if told and line.level == "warn" and names.search(line.message):
                yield Said(istiod, line)


def last_said(mesh: Snapshot, credential: Credential) -> Said | None:
    """Istiod's newest complaint about a credential since its Gateway was made."""
    found = [said for said in _lines(mesh, credential) if said.reason]
    return max(found, key=lambda said: (said.line.time, said.line.line), default=None)


def refusal(mesh: Snapshot, proxy: Proxy) -> tuple[str, Evidence] | None:
    """Why a proxy refused the secrets it was last sent, as istiod heard it."""
    for istiod in mesh.istiods:
        for sync in istiod.syncs or ():
            if f"{sync.pod}.{sync.namespace}" != proxy.id:
                continue
            found = sync.sync("SDS")
            if found is None or not found.error or not _REFUSED.search(found.error):
                continue
            evidence = Evidence(
                source=istiod.syncz_path,
                pointer=f"{found.pointer}/lastError",
                excerpt=found.error,
                command="istioctl proxy-status -o json",
            )
            return found.error, evidence
    return None
