"""Secrets in URLs: query parameters, and the password before the host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshdoctor.recording.redaction.names import NameKind, kind_of
from meshdoctor.recording.redaction.shape import is_hidden, is_secret
from meshdoctor.recording.redaction.text import Span, Text

_PARAMETERS = frozenset(
    b"token access_token id_token refresh_token auth_token api_key apikey key sig signature "
    b"password passwd pwd pass secret code client_secret client_assertion assertion auth authkey "
    b"authorization x_amz_signature x_amz_credential x_amz_security_token x_goog_signature "
    b"x_goog_credential awsaccesskeyid hmac ticket samlresponse samlrequest session sessionid "
    b"session_id sid jsessionid phpsessid otp pin jwt subscription_key user_pass hash_key se_sig "
    b"credentials credential googleaccessid policy_signature logout_token device_code".split()
)
_PARAMETER = re.compile(
    rb"(?:[?&;#]|u0026)(?:amp;)?([A-Za-z0-9_.\[\]-]{2,60})=([^\s&;\"'\\<>#|`)]+)"
    rb"|(?:%3[Ff]|%26)([A-Za-z0-9_.-]{2,60})%3[Dd]([^\s&;\"'\\<>#%|`]+(?:%(?!26|23)[0-9A-Fa-f]{2}"
    rb"[^\s&;\"'\\<>#%|`]*)*)"
)
_STATUS = re.compile(rb"[0-9]{1,3}")
_STARTS = (b"?", b"&", b"#", b";", b"%3F", b"%3f", b"%26", b"u0026")
_USERINFO = re.compile(
    rb"""://([^\s/:@"'\\<>?#|]{0,200}):([^\s/"'\\<>|]{1,400})@(?=[\w\[.-])"""
    rb"""|://([^\s/:@"'\\<>?#|]{20,400})@(?=[\w\[.-])"""
)
_DSN = re.compile(rb"""(?<![\w:/@])[\w.-]{1,64}:([^\s@"'\\<>/]{1,200})@(?:tcp|unix|udp)\(""")
_CURL = re.compile(
    rb"""curl(?!/)[^\n]{0,300}?[ "'](?:-u|--user|--proxy-user)"""
    rb"""(?:[ =]|\\*"(?:\s|\\+n)*,(?:\s|\\+n)*\\*")["']?[^\s:"'\\<>]{1,64}:([^\s"'\\<>]{1,200})"""
)


def _is_parameter(name: bytes) -> bool:
    folded = name.lower().replace(b"-", b"_")
    return folded in _PARAMETERS or kind_of(name) is not None


def find_parameters(text: Text) -> Iterator[Span]:
    """Values of query parameters that carry credentials."""
    if b"=" not in text.raw and not text.has(b"%3d"):
        return
    for start in _STARTS:
        for position in text.exactly(start):
            match = _PARAMETER.match(text.raw, position)
            if match is not None:
                yield from _parameter(match)


def _parameter(match: re.Match[bytes]) -> Iterator[Span]:
    group = 1 if match.group(1) is not None else 3
    name, value = match.group(group), match.group(group + 1)
    if not _is_parameter(name) or _STATUS.fullmatch(value) or is_hidden(value):
        return
    if is_secret(name, NameKind.PASSWORD, value):
        yield Span(*match.span(group + 1))


def find_userinfo(text: Text) -> Iterator[Span]:
    """Passwords, or tokens, before the host of a URL or of a Go MySQL address."""
    if b"@" not in text.raw:
        return
    if text.has(b"://"):
        for match in _USERINFO.finditer(text.raw):
            group = 2 if match.group(2) is not None else 3
            if is_secret(b"password", NameKind.PASSWORD, match.group(group)):
                yield Span(*match.span(group))
    if any(text.has(network) for network in (b"@tcp(", b"@unix(", b"@udp(")):
        for match in _DSN.finditer(text.raw):
            if not is_hidden(match.group(1)):
                yield Span(*match.span(1))


def find_curl_user(text: Text) -> Iterator[Span]:
    """``curl -u user:password``."""
    for position in text.exactly(b"curl"):
        match = _CURL.match(text.raw, position)
        if match is not None and is_secret(b"password", NameKind.PASSWORD, match.group(1)):
            yield Span(*match.span(1))
