"""Which names promise a secret: passwords, tokens, keys, headers that carry credentials."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache


class NameKind(Enum):
    """What a name promises of its value."""

    PASSWORD = "password"
    SECRET = "secret"
    HEADER = "header"
    DOCKER_AUTH = "docker-auth"


_WORDS = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORDS = frozenset(
    {b"password", b"passwd", b"passphrase", b"pwd", b"passcode", b"passwords", b"pw"}
)
_ENDS_PASSWORD = (b"password", b"passwd", b"passphrase")
_SECRETS = frozenset({b"secret", b"secrets", b"token", b"tokens", b"dsn", b"credential", b"creds"})
_PLURALS = frozenset({b"credentials"})
_ENDS_SECRET = (
    b"secret",
    b"token",
    b"apikey",
    b"apikeys",
    b"accesskey",
    b"privatekey",
    b"secretkey",
    b"accountkey",
    b"sharedkey",
    b"authkey",
    b"signingkey",
    b"masterkey",
    b"encryptionkey",
    b"credential",
    b"credentials",
)
_BEFORE_KEY = frozenset(
    b"api access private signing encryption master account shared auth license ssh gpg pgp hmac "
    b"session cookie storage subscription aes crypto cipher webhook admin deploy app application "
    b"jwt consumer integration server fernet hash seed".split()
)
"""``api key`` promises a secret, ``label key`` does not."""
_AFTER = frozenset(
    b"name names file files filename path paths dir directory folder ttl period ratio type types "
    b"provider providers audience audiences aud issuer issuers url urls uri uris endpoint "
    b"endpoints host hostname port timeout expiry expires expired expiration exp lifetime duration "
    b"enabled enable disabled disable ref refs reference mount mounts namespace namespaces version "
    b"algorithm alg length len policy policies count counts size mode format limit limits interval "
    b"rotation required optional header headers prefix suffix field fields param params parameter "
    b"parameters source store service account volume volumes class kind selector config configs "
    b"configuration map scope scopes grace exchange review reviews bucket fill state status error "
    b"errors validity valid invalid present match claim claims location locations cache method "
    b"manager controller operator sync agent driver csi characters missing found not is was has "
    b"svc cluster server client rules rule template templates schema description label labels "
    b"annotation annotations projection resolver fetcher identity matches age max min".split()
)
"""Words after it that speak about a secret instead of being one: ``secretName``, ``SECRET_TTL``."""
_HEADERS = frozenset(
    b"authorization proxy_authorization cookie cookie2 set_cookie set_cookie2 apikey x_apikey "
    b"x_auth x_authentication x_original_authorization x_forwarded_authorization "
    b"x_amz_security_token x_amz_credential x_amz_signature x_goog_signature x_goog_credential "
    b"x_hub_signature x_hub_signature_256 x_session_id x_csrftoken x_serverless_authorization "
    b"x_endpoint_api_userinfo x_goog_iap_jwt_assertion cf_access_jwt_assertion dpop "
    b"x_amzn_oidc_data authentication".split()
)
_HEADER_ENDS = (b"_authorization", b"_jwt_assertion", b"_cookie")
_DOCKER_AUTH = frozenset({b"auth", b"_auth"})
_NOT_OURS = (b"envoy.", b"type.googleapis.com", b"dynamic_", b"static_")
"""Envoy's extensions, and the sections of its dumps."""
_KEY_STORE = (b".p12", b".pfx", b".jks", b".keystore", b".ppk", b".kdbx")
_FILE = re.compile(rb"\.(?:ya?ml|json|conf|cfg|ini|properties|toml|txt|sh|xml|crt|pub|lua|env)$")


def _secret_words(words: list[bytes]) -> tuple[int, NameKind] | None:
    """The last word that promises something, and what."""
    for index in range(len(words) - 1, -1, -1):
        word, before = words[index], words[index - 1] if index else b""
        if word in _PASSWORDS or word.endswith(_ENDS_PASSWORD):
            # Of passwordKey the value is the name of a key.
            named = words[index + 1 : index + 2] in ([b"key"], [b"keys"])
            return None if named else (index, NameKind.PASSWORD)
        if word == b"pass" and index == len(words) - 1:
            return index, NameKind.PASSWORD
        if word in _SECRETS or word in _PLURALS or word.endswith(_ENDS_SECRET):
            return index, NameKind.SECRET
        if word in (b"key", b"keys") and before in _BEFORE_KEY:
            return index, NameKind.SECRET
        if word == b"data" and words[max(0, index - 2) : index] == [b"client", b"key"]:
            return index, NameKind.SECRET
    return None


@lru_cache(maxsize=8192)
def kind_of(name: bytes) -> NameKind | None:
    """What a name promises; None for nothing.

    Args:
        name: of a header, a variable, a field or a flag, in any way of writing.
    """
    folded = name.lower().replace(b"-", b"_").strip(b".")
    if folded in _HEADERS or folded.endswith(_HEADER_ENDS):
        return NameKind.HEADER
    if folded in _DOCKER_AUTH:
        return NameKind.DOCKER_AUTH
    if folded.endswith(_KEY_STORE):
        return NameKind.SECRET
    if _FILE.search(folded) or folded.startswith(_NOT_OURS):
        return None
    words = [word.lower() for word in _WORDS.findall(name)]
    found = _secret_words(words)
    if found is None or _AFTER.intersection(words[found[0] + 1 :]):
        return None
    if folded.startswith(b"x_") and found[1] is NameKind.SECRET:
        return NameKind.HEADER
    return found[1]
