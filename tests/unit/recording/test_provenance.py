"""What a recorder says of itself reaches people whole, and without credentials."""

from __future__ import annotations

import pytest

from meshdoctor.model.provenance import UNTOLD, Redaction
from meshdoctor.recording.manifest_document import RecordedScope, Recorder
from meshdoctor.recording.provenance import provenance_of


def test_silence_is_silence() -> None:
    assert provenance_of(Recorder(), RecordedScope(), ()) == UNTOLD


def test_how_reading_was_narrowed_is_told_by_name() -> None:
    scope = RecordedScope(namespaces=("pay", "shop"), source="deploy/web", max_proxies=5)
    told = provenance_of(Recorder(logs_since="3600s"), scope, [Redaction("b", "jwt", 2)])
    expected = (("namespaces", "pay, shop"), ("from", "deploy/web"), ("max_proxies", "5"))
    assert told.asked == expected
    assert told.logs == "of the last 3600s"
    assert told.redactions == (Redaction("b", "jwt", 2),)
    assert provenance_of(Recorder(logs=False), scope, ()).logs == "not asked for"


@pytest.mark.parametrize(
    ("server", "shown"),
    [
        ("https://ann:pa55@api.acme.example:6443/k8s/clusters/1", "api.acme.example:6443"),
        ("api.acme.example:6443", "api.acme.example:6443"),
    ],
)
def test_of_the_server_only_host_and_port_are_told(server: str, shown: str) -> None:
    assert provenance_of(Recorder(server=server), RecordedScope(), ()).server == shown
