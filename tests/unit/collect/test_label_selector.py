from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect.label_selector import SelectorError, matches, parse_selector

LABELS = {"app": "web", "tier": "front", "example.com/team": "a"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app = web", True),
        ("app!=web", False),
        ("missing!=web", True),
        ("app in (api, web)", True),
        ("app notin (api,web)", False),
        ("missing notin (a)", True),
        ("example.com/team", True),
        ("!example.com/team", False),
        ("!missing,app in (web),tier", True),
        ("app=", False),
        ("", True),
    ],
)
def test_terms_mean_what_kubectl_means_by_them(text: str, expected: bool) -> None:
    assert matches(parse_selector(text), LABELS) is expected


@pytest.mark.parametrize("text", ["app in web", "=web", "app=web tier=a", "a in (b", "app>3", "-a"])
def test_what_kubectl_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(SelectorError, match="no label selector"):
        parse_selector(text)


@given(st.text(max_size=40))
def test_any_text_is_a_selector_or_an_error(text: str) -> None:
    try:
        selector = parse_selector(text)
    except SelectorError:
        return
    assert matches(selector, LABELS) in (True, False)
