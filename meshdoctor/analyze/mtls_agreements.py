"""Why clients and servers understand each other: the sentences that rule mTLS conflicts out.

Each function says why an encounter cannot fail in one way, with what shows it; None where it may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.mtls_rule_foreign_tls import FOREIGN_MODES
from meshdoctor.analyze.mtls_rule_names import names_of
from meshdoctor.intent.client_tls import ClientMode

if TYPE_CHECKING:
    from meshdoctor.analyze.mtls_encounters import Encounter
    from meshdoctor.model.evidence import Evidence

    Agreement = tuple[str, tuple[Evidence, ...]]
    """A sentence and its evidence."""


def _client_side(meeting: Encounter) -> Agreement:
    """How the clients speak, where that alone settles it."""
    tls, where = meeting.tls, meeting.destination
    if tls.setting is not None:
        shown = (tls.setting.rule.evidence(*tls.mode_path),)
        return f"{tls.setting.rule} sets tls mode {tls.mode} for {where}", shown
    decides = (
        "automatic mTLS decides for each endpoint"
        if tls.mode is ClientMode.AUTO
        else "automatic mTLS is switched off, so that it gets plaintext"
    )
    if tls.rules:
        shown = (tls.rules[0].evidence("spec", "host"),)
        return f"{tls.rules[0]} sets no tls for {where}: {decides}", shown
    shown = (meeting.service.resource.evidence("spec", "selector"),)
    return f"No DestinationRule speaks of {where}: {decides}", shown


def _modes(meeting: Encounter) -> Agreement:
    """What the servers that enforce a mode take."""
    peers = [server.peer for server in meeting.servers if server.peer]
    shown = [item for peer in peers for item in peer.evidence]
    texts = dict.fromkeys(peer.text for peer in peers)
    return ", ".join(texts), tuple(dict.fromkeys(shown))[:2]


def no_plaintext_to_strict(meeting: Encounter) -> Agreement | None:
    """Why no STRICT server gets plaintext by a DestinationRule's doing."""
    if any(server.is_strict for server in meeting.servers):
        if meeting.tls.mode is ClientMode.DISABLE:
            return None
        return _client_side(meeting)
    if meeting.tls.mode is not ClientMode.DISABLE:
        return _client_side(meeting)
    text, shown = _client_side(meeting)
    modes, more = _modes(meeting)
    if not modes:
        return f"{text}, and no sidecar behind it demands anything else", shown
    return f"{text}, which its servers take: {modes}", (*shown, *more)


def no_mutual_to_plain_pod(meeting: Encounter) -> Agreement | None:
    """Why no pod without a proxy gets mutual TLS by a DestinationRule's doing."""
    if meeting.tls.mode is not ClientMode.ISTIO_MUTUAL:
        return _client_side(meeting)
    if not all(server.has_proxy for server in meeting.servers):
        return None
    text, shown = _client_side(meeting)
    return f"{text}, and every pod behind it has a proxy", shown


def no_identity_missed(meeting: Encounter) -> Agreement | None:
    """Why no server is turned down for its name by a DestinationRule's doing."""
    names = names_of(meeting)
    if not names:
        return _client_side(meeting)
    setting = meeting.tls.setting
    assert setting is not None
    shown = tuple(
        setting.rule.evidence(*setting.path, "subjectAltNames", n) for n in range(len(names))
    )
    return f"{setting.rule} accepts {', '.join(names)}, which its servers are", shown[:2]


def no_foreign_tls(meeting: Encounter) -> Agreement | None:
    """Why no sidecar gets TLS without Istio's certificate by a DestinationRule's doing."""
    if meeting.tls.mode not in FOREIGN_MODES:
        return _client_side(meeting)
    if any(server.enforces for server in meeting.servers):
        return None
    text, shown = _client_side(meeting)
    return f"{text}, and no sidecar stands between it and the application", shown


def no_mutual_to_disabled(meeting: Encounter) -> Agreement | None:
    """Why no server that has TLS switched off gets mutual TLS by a DestinationRule's doing."""
    if meeting.tls.mode is not ClientMode.ISTIO_MUTUAL:
        return _client_side(meeting)
    # A port that bypasses its sidecar gets garbage, whatever policies say.
    if not all(server.peer and not server.is_disabled for server in meeting.servers):
        return None
    text, shown = _client_side(meeting)
    modes, more = _modes(meeting)
    return f"{text}, which its servers take: {modes}", (*shown, *more)
