"""Every check has its own section in the docs, and every section belongs to a check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from meshdoctor.check.checker import DOCS
from meshdoctor.check.registry import CATEGORIES
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from meshdoctor.check.checker import Checker

TEXT = (CHECKOUT / DOCS).read_text("utf-8")
CHECKERS = [checker for category in CATEGORIES for checker in category.checkers]
_PARTS = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)[1:]
SECTIONS = dict(zip(_PARTS[::2], _PARTS[1::2], strict=True))


def test_sections_and_checks_are_the_same_in_the_same_order() -> None:
    assert list(SECTIONS) == [checker.id for checker in CHECKERS]


def test_every_category_has_its_heading_in_the_same_order() -> None:
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE) == [item.name for item in CATEGORIES]


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.id)
def test_a_section_says_what_it_means_how_to_see_it_and_how_to_mend_it(checker: Checker) -> None:
    section = SECTIONS[checker.id]
    meaning, see, mend = re.split(r"^- (?:See|Mend): ", section, flags=re.MULTILINE)
    assert len(meaning.split()) > 10
    assert "`" in see
    assert mend.split()


def test_ids_are_anchors_and_each_is_its_own() -> None:
    ids = [checker.id for checker in CHECKERS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in ids)
    assert [checker.hint for checker in CHECKERS] == [f"docs/check.md#{name}" for name in ids]


def test_descriptions_state_what_should_be_true() -> None:
    for checker in CHECKERS:
        assert checker.description[0].islower() or checker.description.split()[0].startswith(
            ("Secrets", "CPU", "Istio")
        )
        assert not checker.description.endswith(".")
    assert len({checker.description for checker in CHECKERS}) == len(CHECKERS)
