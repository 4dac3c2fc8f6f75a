"""What an analyzer is, and how one builds its findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from meshdoctor.model.finding import Fact, FactState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot

PROXY_CONFIG = "proxies/config_dump.json"
"""Input: what the proxies hold."""
PROXY_HOSTS = "proxies/clusters.json"
"""Input: how the proxies' upstream hosts fare."""
PROXY_LOG = "proxies/istio-proxy.log"
"""Input: access logs and the agent's log."""
ISTIOD_SYNC = "istiod/debug/syncz.json"
"""Input: what istiod sent and what was accepted."""
ISTIOD_LOG = "istiod/discovery.log"
"""Input: istiod's log."""
ISTIOD_MESH = "istiod/debug/mesh.json"
"""Input: mesh configuration."""


class Analyzer(Protocol):
    """A pure function of a Snapshot: no network, no clock, no file.

    It declares the inputs it joins, so that a conclusion whose input is unread becomes unknown.
    """

    @property
    def name(self) -> str:
        """Kebab-case, unique."""

    @property
    def description(self) -> str:
        """The statement that should be true."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Kinds (``Kind.input``) and the constants of this module."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The finding codes it may emit."""

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Say what holds (PASS), what does not (FAIL, WARN) and what cannot be told (UNKNOWN)."""


def holds(fact: str, text: str, *evidence: Evidence) -> Fact:
    """A fact that was seen."""
    return Fact(fact, FactState.HOLDS, text, evidence)


def unread(fact: str, text: str) -> Fact:
    """A fact whose source could not be read."""
    return Fact(fact, FactState.UNREAD, text)


def silent(fact: str, text: str, *evidence: Evidence) -> Fact:
    """A fact whose source was read and says nothing either way."""
    return Fact(fact, FactState.SILENT, text, evidence)


def destination_subject(host: str, port: int | None, subset: str = "") -> str:
    """Subject of findings about traffic to a host, port and subset."""
    where = f"{host}:{port}" if port is not None else host
    return f"destination {where}" + (f" subset {subset}" if subset else "")


def workload_subject(workload: object) -> str:
    """Subject of findings about a workload (its text form)."""
    return f"workload {workload}"


def namespace_subject(namespace: str) -> str:
    """Subject of findings about a namespace."""
    return f"namespace {namespace}"


def proxy_subject(proxy_id: str) -> str:
    """Subject of findings about one proxy."""
    return f"proxy {proxy_id}"


MESH_SUBJECT = "mesh"
"""Subject of findings about the control plane as a whole."""
