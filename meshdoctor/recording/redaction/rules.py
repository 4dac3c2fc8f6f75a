"""The rules, by name: what each hides, and how it finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from meshdoctor.recording.redaction import documents, keyed, manifests, pem, tokens, urls
from meshdoctor.recording.redaction.names import NameKind
from meshdoctor.recording.redaction.text import Span, Text

SECRET_DATA = "secret-data"
BINARY_DATA = "binary-data"
UNREADABLE_SECRETS = "unreadable-secrets"


def _never(distinct: Text, whole: bytes) -> bool:
    del distinct, whole
    return False


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which secrets are found in any text."""

    name: str
    means: str
    """What it hides, for people."""
    find: Callable[[Text], Iterator[Span]]
    suspects: Callable[[Text, bytes], bool] = _never
    """Whether a document's distinct lines, out of order, hold one half of what it finds; it is
    given the whole document too."""
    in_numbers: bool = False
    """Whether it is looked for in statistics too."""


RULES = (
    Rule("private-key", "private key in PEM", pem.find_pem, in_numbers=True),
    Rule("private-key-base64", "private key in PEM, in base64", pem.find_base64_pem),
    Rule("private-key-der", "private key in base64", pem.find_der),
    *(
        Rule(shape.rule, shape.means, tokens.finder(shape), in_numbers=True)
        for shape in tokens.SHAPES
    ),
    Rule("bearer-token", "bearer token", tokens.find_bearer, in_numbers=True),
    Rule("basic-auth", "user and password of Basic authentication", tokens.find_basic_auth),
    Rule("azure-key", "Azure account or access key", tokens.find_azure),
    Rule("bootstrap-token", "kubeadm bootstrap token", tokens.find_bootstrap),
    Rule("query-parameter", "query parameter of a URL", urls.find_parameters, in_numbers=True),
    Rule("url-password", "password in a URL", urls.find_userinfo, in_numbers=True),
    Rule("curl-user", "password of curl --user", urls.find_curl_user),
    Rule("jwk", "private member of a JSON web key", documents.find_jwk, documents.suspects_jwk),
    Rule("xml-element", "XML element", documents.find_xml),
    Rule(
        "secret-manifest",
        "value of a Secret's manifest",
        manifests.find_secret_manifest,
        manifests.suspects_secret_manifest,
    ),
    Rule("netrc", "password in .netrc, .pgpass or redis.conf", documents.find_netrc),
    Rule(
        "envoy-key",
        "session ticket key or API key in Envoy's configuration",
        documents.find_envoy_keys,
        documents.suspects_envoy_keys,
    ),
    # Last, since the others say more precisely what they found.
    Rule("keyed", "value of a telling name", keyed.find_keyed, keyed.suspects_keyed),
)
MEANINGS = {
    **{rule.name: rule.means for rule in RULES if rule.name != "keyed"},
    keyed.RULE_OF[NameKind.PASSWORD]: "password",
    keyed.RULE_OF[NameKind.SECRET]: "token, key or secret under a telling name",
    keyed.RULE_OF[NameKind.HEADER]: "credential header or cookie",
    keyed.RULE_OF[NameKind.DOCKER_AUTH]: "Docker registry credential",
    SECRET_DATA: "value of a Secret",
    BINARY_DATA: "secret inside base64",
    UNREADABLE_SECRETS: "list of Secrets that could not be parsed",
}
"""Every rule that a redaction log may name, and what it hides."""
