"""Credentials that are known by their own shape: JWTs and what providers hand out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from meshdoctor.recording.redaction.shape import is_basic_auth
from meshdoctor.recording.redaction.text import Span, Text


@dataclass(frozen=True, slots=True)
class Shape:
    """One provider's credential."""

    rule: str
    means: str
    """What it is, for people."""
    beginnings: tuple[bytes, ...]
    """It begins with one of these."""
    pattern: re.Pattern[bytes]
    """Its first group is the secret, or all of it is."""


def _shape(rule: str, means: str, beginnings: str, pattern: bytes) -> Shape:
    compiled = re.compile(rb"(?<![A-Za-z0-9])" + pattern)
    return Shape(rule, means, tuple(beginnings.encode().split()), compiled)


_HOOKS = (
    rb"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/\d+/"
    rb"|webhook\.office\.com/webhookb2/|api\.telegram\.org/bot)([\w@:/.+-]{8,})"
)
_HASHES = (
    rb"(?:\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{22,}|\$(?:apr1|1|5|6|y)\$[./A-Za-z0-9=,$]{14,}"
    rb"|\$(?:argon2|pbkdf2)[\w,=.$+/-]{20,}"
    rb"|\{(?:S?SHA(?:256|512)?|SMD5)\}[A-Za-z0-9+/]{16,}={0,2})"
)
_JWT = rb"eyJ[\w-]{8,}={0,2}\.(?:[\w-]{8,}={0,2}\.?|\.)[\w-]*={0,2}(?:\.[\w-]+){0,2}"
_GITLAB = rb"gl(?:pat|dt|rt|cbt|ptt|soat|ft)-[\w-]{16,}"
_STRIPE = rb"(?:[sr]k_(?:live|test)_\w{10,}|whsec_\w{16,})"
_OPENAI = rb"sk-(?=[\w-]*\d)(?:[a-z]+\d*-)*\w[\w-]{19,}"
SHAPES = (
    _shape("jwt", "JSON web token", "eyJ", _JWT),
    _shape("aws-access-key", "AWS access key id", "AKIA ASIA", rb"A[KS]IA[A-Z0-9]{16}\b"),
    _shape("github-token", "GitHub token", "gh", rb"gh(?:[pousr]_[A-Za-z0-9]{16,})"),
    _shape("github-token", "GitHub token", "github_pat_", rb"github_pat_\w{20,}"),
    _shape("gitlab-token", "GitLab token", "gl", _GITLAB),
    _shape("slack-token", "Slack token", "xox xapp-", rb"(?:xox[abeoprs]|xapp)-[\w.-]{10,}"),
    _shape(
        "webhook-url",
        "webhook URL",
        "hooks.slack.com/ discord webhook.office.com/ api.telegram.org/bot",
        _HOOKS,
    ),
    _shape("google-api-key", "Google API key", "AIza", rb"AIza[\w-]{30,}"),
    _shape("google-oauth", "Google OAuth token", "ya29. GOCSPX-", rb"(?:ya29\.|GOCSPX-)[\w-]{16,}"),
    _shape("stripe-key", "Stripe key", "sk_ rk_ whsec_", _STRIPE),
    _shape("npm-token", "npm token", "npm_", rb"npm_[A-Za-z0-9]{30,}"),
    _shape("pypi-token", "PyPI token", "pypi-AgE", rb"pypi-AgE[\w-]{30,}"),
    _shape("sendgrid-key", "SendGrid key", "SG.", rb"SG\.[\w-]{16,}\.[\w-]{16,}"),
    _shape("twilio-key", "Twilio key", "SK", rb"SK[0-9a-f]{32}\b"),
    _shape("openai-key", "OpenAI-like key", "sk-", _OPENAI),
    _shape("huggingface-token", "Hugging Face token", "hf_", rb"hf_[A-Za-z0-9]{30,}"),
    _shape("vault-token", "Vault token", "hvs. hvb. hvr.", rb"hv[sbr]\.[\w-]{20,}"),
    _shape(
        "digitalocean-token", "DigitalOcean token", "dop_v1_ doo_v1_", rb"do[op]_v1_[0-9a-f]{40,}"
    ),
    _shape("docker-token", "Docker Hub token", "dckr_", rb"dckr_[po]at_[\w-]{16,}"),
    _shape("age-key", "age key", "AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    _shape("grafana-token", "Grafana token", "glsa_ glc_", rb"(?:glsa|glc)_[\w=]{20,}"),
    _shape("newrelic-key", "New Relic key", "NRAK- NRII-", rb"NR(?:AK|II)-[\w-]{20,}"),
    _shape("shopify-token", "Shopify token", "shp", rb"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _shape("atlassian-token", "Atlassian token", "ATATT3", rb"ATATT3[\w=-]{30,}"),
    _shape("password-hash", "password hash", "$ {S", _HASHES),
)


def finder(shape: Shape) -> Callable[[Text], Iterator[Span]]:
    """A search for one shape."""
    group = 1 if shape.pattern.groups else 0

    def find(text: Text) -> Iterator[Span]:
        for beginning in shape.beginnings:
            for position in text.exactly(beginning):
                match = shape.pattern.match(text.raw, position)
                if match is not None:
                    yield Span(*match.span(group))

    return find


def _at(text: Text, needle: bytes, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """Matches that begin with a needle."""
    if text.has(needle):
        for position in text.positions(needle):
            match = pattern.match(text.raw, position)
            if match is not None:
                yield match


_BASIC = re.compile(rb"(?i:basic)(?:[ \t]|%20|\+)+([A-Za-z0-9+/]{6,}={0,2})")
_BEARER = re.compile(rb"(?i:bearer)(?:[ \t]|%20|\+)+([A-Za-z0-9\-._~+/]{4,}=*)(?!=)")
_PLAIN_WORD = re.compile(rb"[A-Za-z]?[a-z]{0,18}[.,;:!?]*|[a-z_]+=*")
_AZURE = re.compile(
    rb"""(?i:accountkey=|sharedaccesskey=|sharedaccesssignature[= ])([^\s"'\\;,]+)"""
)
_BOOTSTRAP = re.compile(rb"(?<![\w.])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.])")
_NEAR = 200


def find_basic_auth(text: Text) -> Iterator[Span]:
    """``Basic`` and a user and a password in base64."""
    for match in _at(text, b"basic", _BASIC):
        if is_basic_auth(match.group(1)):
            yield Span(*match.span(1))


def find_bearer(text: Text) -> Iterator[Span]:
    """``Bearer`` and what is no plain word."""
    for match in _at(text, b"bearer", _BEARER):
        if not _PLAIN_WORD.fullmatch(match.group(1)):
            yield Span(*match.span(1))


def find_azure(text: Text) -> Iterator[Span]:
    """Keys in Azure's connection strings."""
    for needle in (b"accountkey=", b"sharedaccesskey=", b"sharedaccesssignature"):
        for match in _at(text, needle, _AZURE):
            if not match.group(1).startswith(b"<token:"):
                yield Span(*match.span(1))


def find_bootstrap(text: Text) -> Iterator[Span]:
    """Bootstrap tokens of kubeadm, near a word that says so."""
    for needle in (b"kubeadm", b"bootstrap", b"token"):
        if not text.has(needle):
            continue
        for position in text.positions(needle):
            match = _BOOTSTRAP.search(text.raw, position, position + _NEAR)
            if match is not None:
                yield Span(*match.span())
