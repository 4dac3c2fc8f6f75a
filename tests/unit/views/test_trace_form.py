"""A request as a form asks for it."""

from __future__ import annotations

import pytest

from meshdoctor.views.trace_form import Form, answer, header_lines
from tests.unit.trace.trace_build import Mesh


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        (" ; ", ()),
        ("x-a: 1", ("x-a: 1",)),
        ("x-a: 1; x-b: 2", ("x-a: 1", "x-b: 2")),
        ("cookie: a=1; b=2;x-b: 3", ("cookie: a=1; b=2", "x-b: 3")),
    ],
)
def test_a_semicolon_parts_headers_only_where_a_name_follows(
    text: str, found: tuple[str, ...]
) -> None:
    assert header_lines(text) == found


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (Form(), "Say who asks."),
        (Form("client.shop"), "Say what is asked for, HOST[:PORT][/path]."),
        (Form("nobody", "ratings"), "nothing called nobody"),
        (Form("client.shop", "rating"), "did you mean ratings.shop?"),
        (Form("client.shop", "ratings", headers="x"), "no header"),
        (Form("client.shop", "ratings", claims="x"), "claims"),
    ],
)
def test_what_cannot_be_walked_is_said_in_a_sentence(form: Form, says: str) -> None:
    found = answer(Mesh().snapshot(), form)
    assert found.walk is None
    assert says in found.complaint
    assert found.complaint.endswith((".", "?", "JSON", "]"))


def test_the_fields_become_the_request() -> None:
    form = Form("client.shop", "ratings:8080/x", "post", "X-A: 1", "iss=me,sub=you")
    found = answer(Mesh().snapshot(), form).walk
    assert found is not None
    request = found.request
    assert (request.method, request.path, dict(request.headers)) == ("POST", "/x", {"x-a": "1"})
    assert (request.has_token, dict(request.claims)) == (True, {"iss": "me", "sub": "you"})


@pytest.mark.parametrize(("claims", "token"), [("", None), ("none", False), ("iss=me", True)])
def test_a_token_is_there_absent_or_not_known(claims: str, token: bool | None) -> None:
    found = answer(Mesh().snapshot(), Form("client.shop", "ratings", claims=claims)).walk
    assert found is not None
    assert found.request.has_token is token


def test_the_same_can_be_asked_at_the_command_line() -> None:
    form = Form("gateway", "x.example:80/a b", "get", "x-a: it's", "NONE")
    assert form.command == (
        "meshdoctor trace --from gateway --to 'x.example:80/a b' --header 'x-a: it'\\''s' --no-jwt"
    )
