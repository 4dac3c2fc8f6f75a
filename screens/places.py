"""The places one can go to: name, screen, what stands there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from screens.certificates import CertificatesScreen
from screens.diagnosis import DiagnosisScreen
from screens.istiod_logs import IstiodLogsScreen
from screens.mtls import MtlsScreen
from screens.namespaces import NamespacesScreen
from screens.overview import OverviewScreen
from screens.proxies import ProxiesScreen
from screens.revisions import RevisionsScreen
from screens.trace import TraceScreen
from screens.webhooks import WebhooksScreen
from screens.why_403 import Why403Screen

if TYPE_CHECKING:
    from screens.mesh_screen import MeshScreen


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the app."""

    title: str
    key: str
    """The key that leads there, as the registry of keys has it."""
    aliases: tuple[str, ...]
    """Short words for the palette, as k9s has them."""
    line: str
    screen: type[MeshScreen]


PLACES = {
    "overview": Place("Overview", "o", ("ov",), "What is wrong, at a glance", OverviewScreen),
    "diagnosis": Place("Diagnosis", "v", ("dx",), "The walk to the root cause", DiagnosisScreen),
    "proxies": Place("Proxies", "x", ("px",), "Every proxy and its sync state", ProxiesScreen),
    "istiod-logs": Place(
        "istiod logs", "l", ("il",), "What the control plane said, explained", IstiodLogsScreen
    ),
    "webhooks": Place("Webhooks", "h", ("wh",), "Who gets a sidecar, who answers", WebhooksScreen),
    "namespaces": Place("Namespaces", "n", ("ns",), "Labels and verdicts", NamespacesScreen),
    "mtls": Place("mTLS", "m", ("mt",), "Who sends what to whom, does it work", MtlsScreen),
    "why-403": Place("Why 403", "a", ("403",), "What was refused, by which rule", Why403Screen),
    "revisions": Place(
        "Revisions", "u", ("rv",), "Asked for, injected, connected; upgrades", RevisionsScreen
    ),
    "certificates": Place(
        "Certificates", "e", ("ce",), "Roots, chains and days left", CertificatesScreen
    ),
    "trace": Place("Trace", "t", ("tr",), "One request, hop by hop", TraceScreen),
}
"""By the name that the action ``go`` takes; the overview is the bottom of the stack."""
