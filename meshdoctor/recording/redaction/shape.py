"""Whether a value under a telling name is a secret, or a reference, a path, a plain word."""

from __future__ import annotations

import base64
import binascii
import re

from meshdoctor.recording.redaction.names import NameKind

TOKEN = re.compile(rb"<token:[0-9a-f]{6}>")
_HIDDEN = re.compile(
    rb"(?:<token:[0-9a-f]{6}>[\s,;]*)+|[\[(<]?redacted[\])>]?|\*+|x+|W3JlZGFjdGVkXQ==|UkVEQUNURUQ="
    rb"|<(?:none|unset|nil|empty|hidden|masked)>",
    re.IGNORECASE,
)
"""What hides a secret already: ours, Envoy's (``[redacted]``, also in base64), others'."""
_NOTHING = re.compile(
    rb"(?:true|false|yes|no|on|off|null|nil|none|undefined|~|-|\.[*+]|\W?)", re.IGNORECASE
)
_REFERENCE = re.compile(
    rb"\$\([\w.-]+\)|\$\{[^}]*\}|\$[A-Z_][A-Z0-9_]*|\{\{.*\}\}|%[A-Z_]+(?:\([^)]*\))?%|%[svdq]"
)
_PATH = re.compile(
    rb"(?:file:/{0,2})?/(?:var|etc|run|tmp|home|mnt|opt|usr|secrets?|certs?|vault|app)/[\w./@-]+"
    rb"|[\w./-]*/[\w./-]+\.(?:pem|key|crt|cer|json|ya?ml|txt|conf|cfg|p12|jks|sock)"
    rb"|(?:spiffe|kubernetes|kubernetes-gateway|configmap|file)://[\w./:-]+"
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_SCHEMES = rb"(?:bearer|basic|digest|negotiate|apikey|api-key|token|ntlm|dpop|aws4-hmac-sha256)"
SCHEME = re.compile(_SCHEMES + rb"[ \t]+(?=\S)", re.IGNORECASE)
"""The scheme that begins an Authorization header: no secret, and worth knowing."""
_SCHEME_ALONE = re.compile(
    _SCHEMES + rb"\s*(?:\.[*+]|\$\{[^}]*\}|\$\([^)]*\)|%\S+%|<token:[0-9a-f]{6}>)?", re.IGNORECASE
)
_OBJECT = re.compile(rb"[a-z0-9.-]+/[a-z0-9.-]+")
_LOG_LEVELS = frozenset(b"trace debug info warn warning error critical".split())
"""Envoy has loggers of the name ``secret`` and ``credential_injector``."""
_STOP_WORDS = frozenset(
    b"incorrect invalid expired missing required empty wrong not is was must cannot "
    b"mismatch failed none null ok unknown unauthorized denied allowed rejected the a "
    b"an for from to in of and or could unable unexpected malformed no found error "
    b"does did has have this that you your please request header headers failure "
    b"skipped disabled enabled present absent".split()
)
_DURATION = re.compile(rb"(?:\d+(?:\.\d+)?(?:ns|us|\xc2\xb5s|ms|s|m|h))+")
_DIGIT = re.compile(rb"\d")
_WORD = re.compile(rb"[a-z]+|[A-Z][a-z]+")
_TOKENISH = re.compile(rb"[A-Za-z0-9_\-.+/=~]{8,}")
_COMPOUND = re.compile(rb"[a-z][A-Z]|[_-]")
_RESOURCE_NAME = re.compile(rb"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_VERSION = re.compile(rb"v?\d+(?:\.\d+)+[\w.+-]*")
_FEWEST_DIGITS = 6


def is_hidden(value: bytes) -> bool:
    """Whether a value hides its secret already."""
    return _HIDDEN.fullmatch(value.strip()) is not None


def _says_nothing(value: bytes) -> bool:
    return bool(
        _NOTHING.fullmatch(value)
        or is_hidden(value)
        or _REFERENCE.fullmatch(value)
        or _PATH.fullmatch(value)
    )


def is_basic_auth(value: bytes) -> bool:
    """Whether a value is ``user:password`` in base64, as HTTP and Docker write it."""
    try:
        decoded = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in decoded and len(decoded) > 1


def is_secret(name: bytes, kind: NameKind, value: bytes) -> bool:
    """Whether the value of a telling name is to be hidden.

    Args:
        name: as it was written.
        kind: what the name promises.
        value: without its quotes.
    """
    value = value.strip()
    if _says_nothing(value):
        return False
    if kind is NameKind.PASSWORD:
        return True
    if kind is NameKind.HEADER:
        return _is_header_value(value)
    if kind is NameKind.DOCKER_AUTH:
        return is_basic_auth(value)
    if _NUMBER.fullmatch(value):
        return not name.lower().endswith(b"s") and len(value) >= _FEWEST_DIGITS
    if value in _LOG_LEVELS:
        return False
    return not (name.lower() in (b"secret", b"secrets") and _OBJECT.fullmatch(value))


def _is_header_value(value: bytes) -> bool:
    return not (_NUMBER.fullmatch(value) or _SCHEME_ALONE.fullmatch(value))


def is_secret_in_prose(name: bytes, kind: NameKind, value: bytes) -> bool:
    """The same for an unquoted value after a colon in a sentence, where most are plain words."""
    value = value.rstrip(b".,;:!?")
    if value.lower() in _STOP_WORDS or _DURATION.fullmatch(value):
        return False
    if not is_secret(name, kind, value):
        return False
    if kind is NameKind.PASSWORD:
        return True
    if kind is NameKind.HEADER:
        return _DIGIT.search(value) is not None or b"=" in value
    if _WORD.fullmatch(value) or _OBJECT.fullmatch(value) or _VERSION.fullmatch(value):
        return False
    if not (_DIGIT.search(value) and _TOKENISH.fullmatch(value)):
        return False
    # "secret: shop-cert-2" names one, "accessToken: …" is no sentence.
    return _COMPOUND.search(name) is not None or not _RESOURCE_NAME.fullmatch(value)
