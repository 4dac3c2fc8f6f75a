"""Plays drills in the app as a candidate does: objects are opened, edited, applied by keys."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from textual.widgets import Input

from meshdoctor.drill.manifests import as_yaml, document_of
from screens.drill_editor import DrillEditorScreen
from screens.drill_grade import DrillGradeScreen
from screens.drill_play import DrillPlayScreen
from screens.line_window import LineWindow
from screens.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from meshdoctor.drill.edits import Edit
    from meshdoctor.drill.grader import Grade
    from meshdoctor.drill.targets import Target

_SHORT = {"restart": "R", "scale": "S", "label": "L"}
"""The keys of verbs that need no editor."""


async def quiet(pilot: Pilot[None]) -> None:
    """Wait until nothing is written or listed any more; shorter than ``settled``."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause(0.002)
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other, each when the one before has had its effect."""
    for key in keys:
        await pilot.press(key)
        await quiet(pilot)


def play_screen(pilot: Pilot[None]) -> DrillPlayScreen:
    """The screen of the attempt, which must be on top."""
    screen = pilot.app.screen
    assert isinstance(screen, DrillPlayScreen), screen
    return screen


async def go_to(pilot: Pilot[None], target: Target) -> None:
    """Put the cursor on an object."""
    screen = play_screen(pilot)
    if screen.state.namespace:
        await pilot.press("0")
    table = screen.query_one("#objects", RowsTable)
    # As a candidate would; few rows are drawn much faster than hundreds.
    place = f"{target.namespace}/{target.name}" if target.namespace else target.name
    table.filter_by(rf"^{target.kind.name}\S* +{re.escape(place)}( |$)")
    table.go_to(f"{target.kind.group} {target}")
    await pilot.pause()
    assert play_screen(pilot).target == target


async def apply_text(pilot: Pilot[None], text: str) -> None:
    """Put a text into the editor and apply it."""
    editor = pilot.app.screen
    assert isinstance(editor, DrillEditorScreen), editor
    editor.area.text = text
    await pilot.press("ctrl+s")
    await quiet(pilot)


async def make(pilot: Pilot[None], *edits: Edit) -> None:
    """Make edits of a drill the way a candidate would; manifests that follow each other at once."""
    for verb, group in groupby(edits, key=lambda edit: edit.verb):
        if verb == "apply":
            texts = [as_yaml(edit.settings["object"]) for edit in group]
            await pilot.press("N")
            await apply_text(pilot, "---\n".join(texts))
            play_screen(pilot)
            continue
        for edit in group:
            await _make(pilot, edit)


async def _make(pilot: Pilot[None], edit: Edit) -> None:
    world = play_screen(pilot).desk.play.world
    await go_to(pilot, edit.target)
    if edit.verb == "delete":
        await pilot.press("D", "enter")
    elif edit.verb in _SHORT:
        await pilot.press(_SHORT[edit.verb])
        if edit.verb != "restart":
            await _type(pilot, edit)
    else:
        made = edit.made(world.cluster)
        assert made is not None, edit
        await pilot.press("enter")
        kind = world.cluster.catalog.types[edit.target.key]
        await apply_text(pilot, as_yaml(document_of(kind, made)))
    await quiet(pilot)
    play_screen(pilot)


async def _type(pilot: Pilot[None], edit: Edit) -> None:
    window = pilot.app.screen
    assert isinstance(window, LineWindow), window
    if edit.verb == "scale":
        line = str(edit.settings["replicas"])
    else:
        words = edit.settings["set"].items()
        line = " ".join(f"{key}-" if value is None else f"{key}={value}" for key, value in words)
    window.query_one(Input).value = line
    await pilot.press("enter")


async def graded(pilot: Pilot[None]) -> Grade:
    """Have the mesh graded, and go on editing."""
    await pilot.press("F")
    await quiet(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, DrillGradeScreen), screen
    grade = screen.grade
    await pilot.press("escape")
    await quiet(pilot)
    return grade


async def start_over(pilot: Pilot[None]) -> None:
    """Put the mesh back as it was."""
    await pilot.press("B", "enter")
    await quiet(pilot)
    assert play_screen(pilot).desk.edits == 0
