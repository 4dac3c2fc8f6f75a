"""A pasted line: what it is, what its fields mean, and which playbook follows."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.response_flags import FLAGS
from meshdoctor.views.log_line_patterns import load_line_patterns
from meshdoctor.views.pasted_line import explain_pasted


def request(
    code: int = 503,
    flags: str = "-",
    details: str = "-",
    failure: str = "-",
    cluster: str = "outbound|8080||ratings.shop.svc.cluster.local",
) -> str:
    return (
        f'[2026-11-21T07:26:45.597Z] "GET /a HTTP/1.1" {code} {flags} {details} - "{failure}" '
        f'0 19 7 - "-" "curl/8" "0f7f3c8e" "ratings:8080" "10.0.0.7:8080" {cluster} - '
        "10.96.166.199:8080 10.244.0.33:58558 - default"
    )


def messages() -> list[dict[str, Any]]:
    text = files("playbooks").joinpath("pasted", "lines.yaml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def str_id(entry: dict[str, Any]) -> str:
    return str(entry["id"])


class TestRequests:
    @pytest.mark.parametrize(
        ("line", "outcome", "playbook"),
        [
            (request(503, "UH", "no_healthy_upstream"), "no-healthy-host", "503"),
            (request(503, "NC", "cluster_not_found"), "no-cluster", "503"),
            (
                request(503, "UF,URX", failure="TLS_error:|WRONG_VERSION_NUMBER:TLS_error_end"),
                "tls-to-plaintext",
                "mtls-conflict",
            ),
            (request(503, "UF", failure="delayed_connect_error:_111"), "connection-refused", "503"),
            (
                request(503, "UF", cluster="inbound|8080||"),
                "refused-behind-the-proxy",
                "503",
            ),
            (request(504, "UT", "response_timeout"), "timed-out", "504"),
            (request(503, "FI", "fault_filter_abort"), "fault-injected", "504"),
            (request(404, "NR", "route_not_found"), "no-route", "gateway-404"),
            (request(0, "NR", "filter_chain_not_found"), "no-filter-chain", "mtls-conflict"),
            (
                request(403, "-", "rbac_access_denied_matched_policy[none]"),
                "allowed-by-no-policy",
                "403",
            ),
            (
                request(403, "-", "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]"),
                "denied-by-a-policy",
                "403",
            ),
            (request(401, "-", "jwt_authn_access_denied{Jwt_is_missing}"), "token-refused", "401"),
            (request(502, "-", "direct_response"), "blocked-outside-by-route", "egress-502"),
            (request(500, "-", "via_upstream"), "application-says", "503"),
            (request(0, "DC", "downstream_remote_disconnect"), "client-left", None),
            (request(200, "-", "via_upstream"), "delivered", None),
        ],
    )
    def test_flags_and_details_lead_to_the_playbook(
        self, line: str, outcome: str, playbook: str | None
    ) -> None:
        said = explain_pasted(line)
        assert (said.id, said.playbook) == (outcome, playbook)
        assert said.source == "access log of a proxy"

    def test_every_column_that_the_line_has_is_explained(self) -> None:
        said = explain_pasted(request(503, "UH,URX", "no_healthy_upstream"))
        fields = {item.name: (item.value, item.meaning) for item in said.fields}
        assert fields["START_TIME"][0] == "2026-11-21T07:26:45.597000Z"
        assert fields["RESPONSE_FLAGS"][0] == "UH,URX"
        assert FLAGS["UH"].meaning in fields["RESPONSE_FLAGS"][1]
        assert FLAGS["URX"].meaning in fields["RESPONSE_FLAGS"][1]
        assert "REQUESTED_SERVER_NAME" not in fields
        assert said.to == "ratings.shop.svc.cluster.local:8080"

    def test_a_prefix_of_kubectl_does_not_hide_the_line(self) -> None:
        said = explain_pasted("[pod/client-v1-x/istio-proxy] " + request(503, "UH"))
        assert said.id == "no-healthy-host"


class TestOtherLines:
    @pytest.mark.parametrize("entry", messages(), ids=str_id)
    def test_the_example_of_each_message_is_explained_by_its_own_entry(
        self, entry: dict[str, Any]
    ) -> None:
        assert explain_pasted(entry["example"]).id == entry["id"]

    def test_lines_of_istios_components_are_explained_with_their_fields(self) -> None:
        said = explain_pasted(
            "2026-11-21T07:47:00.657167Z\twarn\tdelta\tADS:LDS: ACK ERROR "
            "payments-v1-7fdmm.pay-55 Internal:Error adding/updating listener(s) virtualInbound"
        )
        assert (said.id, said.playbook) == ("proxy-rejected-configuration", "stale-proxy")
        assert [item.name for item in said.fields] == ["time", "level", "scope", "message"]

    def test_the_first_explained_line_of_a_longer_paste_counts(self) -> None:
        said = explain_pasted("* Trying 10.0.0.1:80...\ncurl: (56) Recv failure\n")
        assert said.id == "connection-reset"

    def test_what_nothing_explains_says_so(self) -> None:
        said = explain_pasted("the quick brown fox")
        assert (said.id, said.playbook, said.source) == ("", None, "unknown")

    def test_patterns_of_the_components_lead_to_playbooks_too(self) -> None:
        assert len([item for item in load_line_patterns() if item.playbook]) > 40


class TestHostileLines:
    @given(st.text(max_size=300))
    def test_any_text_is_explained_or_called_unknown(self, text: str) -> None:
        said = explain_pasted(text)
        assert said.meaning
        assert said.what_to_do

    def test_a_token_in_a_pasted_line_is_not_shown(self) -> None:
        token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbmF0dXJl"
        said = explain_pasted(f"curl: (56) reset while sending Authorization: Bearer {token}")
        assert token not in repr(said)
        assert said.id == "connection-reset"
