"""Whatever is redacted: lines stay, JSON stays JSON, a second pass finds nothing more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from meshdoctor.recording.redact import Redactor
from meshdoctor.recording.redaction.json_places import JsonPlaceError, parse_places, spliced
from meshdoctor.recording.redaction.quoting import string_end
from tests.planted_secrets import planted_secrets

PATHS = (
    "kubernetes/core/v1/secrets.json",
    "kubernetes/core/v1/pods.json",
    "kubernetes/core/v1/configmaps.json",
    "kubernetes/core/v1/events.json",
    "proxies/shop/web-1/config_dump.json",
    "proxies/shop/web-1/stats.txt",
    "logs/shop/web-1/app.log",
)
FRAGMENTS = (
    *("password", "token", "authorization", "cookie", "kind", "Secret", "data", "name"),
    *("value", "kty", "d", ":", "=", "|", "{", "}", "[", "]", '"', "'", "\\", "\\n", "\n", "\r\n"),
    *(" ", "  ", "- ", "--", ",", "?", "&", "://", "@", "<token:abcdef>", "REDACTED", "#", "\0"),
    *("x", "hunter2", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "Bearer "),
    *("SecretList", "items", "eyJhbGciOi.eyJhbGciOi.abc", "UEFTU1dPUkQgUFJJVkFURSBLRVk="),
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join),
    st.sampled_from([secret.text for secret in planted_secrets()]),
    st.text(max_size=20),
)
DOCUMENTS = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
thorough = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def redacted(path: str, data: bytes) -> bytes:
    return Redactor(b"salt").redact(path, data)


@thorough
@given(st.sampled_from(PATHS), st.one_of(st.binary(max_size=200), TEXTS.map(str.encode)))
def test_no_bytes_raise_or_change_the_number_of_lines(path: str, data: bytes) -> None:
    after = redacted(path, data)
    assert after.count(b"\n") == data.count(b"\n")
    assert redacted(path, after) == after


@thorough
@given(st.sampled_from(PATHS[:5]), DOCUMENTS, st.sampled_from([None, 1]), st.booleans())
@example(PATHS[1], {"password": 5e300}, None, True)
@example(PATHS[1], {"token\\": "x", "password": "a\\"}, None, True)
def test_json_stays_json_of_the_same_shape(
    path: str, document: Any, indent: int | None, ascii_only: bool
) -> None:
    data = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    after = redacted(path, data)
    assert after.count(b"\n") == data.count(b"\n")
    assert lengths(json.loads(after)) == lengths(json.loads(data))
    assert redacted(path, after) == after


def lengths(value: Any) -> Any:
    """How long each array is: JSON pointers must still resolve."""
    if isinstance(value, dict):
        return [lengths(item) for key, item in value.items() if key != "derived"]
    return [len(value), [lengths(item) for item in value]] if isinstance(value, list) else None


@thorough
@given(DOCUMENTS, st.sampled_from([None, 1, 3]))
def test_places_in_a_document_are_those_of_its_values(document: Any, indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    place = parse_places(text)
    assert (place.start, place.end) == (0, len(text))
    stack = [(place, document)]
    while stack:
        found, value = stack.pop()
        assert json.loads(text[found.start : found.end]) == value
        if isinstance(value, list):
            stack += zip(found.items, value, strict=True)
        elif isinstance(value, dict):
            stack += zip([child for _, child in found.members or ()], value.values(), strict=True)


@given(st.text(max_size=60))
def test_what_is_no_json_has_no_places(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda word: pytest.fail(word))
    except (ValueError, RecursionError, pytest.fail.Exception):
        with pytest.raises(JsonPlaceError):
            parse_places(text)


def test_an_absurdly_nested_document_is_refused() -> None:
    with pytest.raises(JsonPlaceError, match="too deep"):
        parse_places("[" * 5_000 + "]" * 5_000)


def test_edits_replace_only_their_part() -> None:
    assert spliced("abcdef", [(4, 5, "E"), (1, 2, "")]) == "acdEf"


@thorough
@given(TEXTS, st.integers(0, 3), TEXTS)
def test_a_string_ends_where_its_own_quote_stands(content: str, depth: int, following: str) -> None:
    text = json.dumps(content)
    for _ in range(depth):
        text = json.dumps(f"{text}{following}")
    run = 2**depth - 1
    start = text.index('"' if not depth else "\\" * run + '"', depth and 1) + run + 1
    inner = json.dumps(content)[1:-1]
    for _ in range(depth):
        inner = json.dumps(inner)[1:-1]
    assert text[start : start + len(inner)] == inner
    assert string_end(text.encode("ascii"), start, run) == start + len(inner)
