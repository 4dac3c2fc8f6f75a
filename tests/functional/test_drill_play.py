"""A candidate at work on a drill: looking, supposing, asking, editing, being graded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from meshdoctor.app.drill_app import DrillApp
from meshdoctor.drill import history
from meshdoctor.drill.grader import Grade
from meshdoctor.drill.library import drill_for
from meshdoctor.drill.play import Play
from meshdoctor.drill.serving import beginning
from meshdoctor.drill.targets import parse_target
from screens import keymap
from screens.ask_window import AskWindow
from screens.drill_causes import CausesWindow
from screens.drill_editor import DrillEditorScreen
from screens.drill_grade import DrillGradeScreen
from screens.drill_list import DrillListScreen
from screens.drill_play import DrillPlayScreen
from screens.drill_questions import QuestionsWindow
from screens.line_window import LineWindow
from screens.mesh_screen import MeshScreen
from screens.places import PLACES
from screens.proxies import ProxiesScreen
from screens.widgets.plain_text import PlainText
from screens.widgets.rows_table import RowsTable
from screens.window import TextWindow
from tests.functional.drilling import (
    apply_text,
    go_to,
    graded,
    make,
    play_screen,
    press,
    quiet,
    start_over,
)

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from meshdoctor.drill.drill import Drill

REVIEWS = parse_target("VirtualService shop/reviews")
RATINGS = parse_target("Deployment shop/ratings-v1")


@pytest.fixture(autouse=True)
def results(monkeypatch: pytest.MonkeyPatch) -> list[history.Result]:
    """What would be kept; nothing reaches the user's folder."""
    kept: list[history.Result] = []
    monkeypatch.setattr(history, "append", lambda result, folder=None: kept.append(result))
    monkeypatch.setattr(history, "read", lambda folder=None: tuple(kept))
    return kept


def drill(name: str = "D08") -> Drill:
    found = drill_for(name)
    assert found is not None
    return found


def app_on(name: str = "D08") -> DrillApp:
    return DrillApp(drill(name), clock=lambda: 0.0)


def said(app: DrillApp) -> str:
    return app.said.said[-1].text


def words(app: DrillApp, widget: str) -> str:
    return str(app.screen.query_one(widget, PlainText).render())


async def edited(pilot: Pilot[None], old: str, new: str) -> None:
    """Open the VirtualService, replace words in it, apply."""
    await go_to(pilot, REVIEWS)
    await press(pilot, "enter")
    editor = pilot.app.screen
    assert isinstance(editor, DrillEditorScreen)
    assert old in editor.area.text
    await apply_text(pilot, editor.area.text.replace(old, new))


async def test_the_list_shows_no_title_before_a_drill_is_solved(
    results: list[history.Result],
) -> None:
    app = DrillApp(clock=lambda: 0.0)
    async with app.run_test(size=(120, 36)) as pilot:
        await quiet(pilot)
        assert isinstance(app.screen, DrillListScreen)
        table = app.screen.query_one(RowsTable)
        shown = {row.key: row.plain for row in table.shown}
        assert "not tried" in shown["D08"]
        assert drill().title not in str(shown)
        await press(pilot, "slash", *"D08", "enter", "enter")
        await make(pilot, *drill().reference.edits)
        await press(pilot, "F", "F", "escape")
        assert isinstance(app.screen, DrillListScreen)
        (row,) = app.screen.query_one(RowsTable).shown
        assert "✓ passed, 100 points" in row.plain
        assert drill().title in row.plain
        assert [(one.drill, one.mode, one.passed) for one in results] == [("D08", "app", True)]


async def test_without_a_drill_no_place_can_be_gone_to() -> None:
    app = DrillApp(clock=lambda: 0.0)
    async with app.run_test() as pilot:
        await quiet(pilot)
        for key in ("o", "v", "x", "t", "w", "p", "r", "ctrl+s"):
            await press(pilot, key)
            assert said(app) == "Choose a drill first: enter starts it"
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize("name", ["D08", "D01"])
async def test_every_screen_shows_the_drills_mesh_and_none_a_verdict(name: str) -> None:
    app = app_on(name)
    async with app.run_test() as pilot:
        await quiet(pilot)
        state = play_screen(pilot).state
        assert state.diagnosis is not None
        assert not state.diagnosis.root_causes
        assert not state.diagnosis.findings
        for place, about in PLACES.items():
            await press(pilot, about.key)
            assert isinstance(app.screen, MeshScreen)
            assert app.screen.state is state
            if place in ("overview", "diagnosis", "why-403"):
                assert isinstance(app.screen, DrillPlayScreen)
                assert place == "overview" or "closed in a drill" in said(app)
            else:
                assert isinstance(app.screen, about.screen)
            await press(pilot, "o")
        for key in ("w", "d", "p", "r"):
            await press(pilot, key)
            assert "drill" in said(app)
            assert isinstance(app.screen, DrillPlayScreen)


async def test_the_refusals_of_one_proxy_are_closed_as_well() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await press(pilot, "x", "enter")
        before = app.screen
        await press(pilot, "a")
        assert app.screen is before
        assert "Why 403 is closed in a drill" in said(app)


async def test_the_palette_offers_what_a_drill_has_and_nothing_that_is_closed() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        titles = [title for title, _, _ in play_screen(pilot).commands()]
        assert "drill: Hint" in titles
        assert "drill: Finish" in titles
        await press(pilot, "colon", *"diagnosis", "enter")
        await press(pilot, "escape")
        assert not any(type(each) is PLACES["diagnosis"].screen for each in app.screen_stack)


async def test_after_a_change_nothing_is_known_of_proxies_until_it_is_taken_back() -> None:
    app = app_on()
    async with app.run_test(size=(120, 36)) as pilot:
        await quiet(pilot)
        assert "not available" not in words(app, "#attempt")
        await edited(pilot, "subset: v3", "subset: v2")
        assert "1 change · proxies not available" in words(app, "#attempt")
        await press(pilot, "x")
        assert isinstance(app.screen, ProxiesScreen)
        assert "not available since your change" in words(app, "#unread")
        await press(pilot, "enter")
        clusters = app.screen.query_one("#clusters", RowsTable)
        assert "not available since your change" in clusters.nothing
        await press(pilot, "o", "U")
        assert said(app) == "Taken back: VirtualService shop/reviews"
        await press(pilot, "x", "enter")
        assert app.screen.query_one("#clusters", RowsTable).shown


async def test_text_that_is_no_yaml_is_refused_in_a_line_and_nothing_is_lost() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await edited(pilot, "  http:", "  http: [")
        editor = app.screen
        assert isinstance(editor, DrillEditorScreen)
        assert words(app, "#said").startswith("✗ line 10, column ")
        assert editor.area.cursor_location[0] == 9
        assert "http: [" in editor.area.text
        assert not app.screen_stack[1].desk.play.world.has_changed  # type: ignore[attr-defined]
        await press(pilot, "escape")
        assert isinstance(app.screen, AskWindow)
        await press(pilot, "escape")
        assert app.screen_stack[-1] is editor
        await press(pilot, "escape", "enter")
        assert isinstance(app.screen, DrillPlayScreen)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("name: reviews", "name: other", "the name of the object (other) does not match"),
        ("namespace: shop", "namespace: pay", "the namespace of the provided object"),
        ("kind: VirtualService", "kind: Service", "does not match the expected API version"),
        ("spec:", "---\nspec:", "is one object: the text holds 2"),
    ],
    ids=["name", "namespace", "kind", "two"],
)
async def test_what_an_api_server_would_refuse_is_refused(old: str, new: str, why: str) -> None:
    app = app_on()
    async with app.run_test(size=(120, 36)) as pilot:
        await quiet(pilot)
        world = play_screen(pilot).desk.play.world
        await edited(pilot, old, new)
        assert why in words(app, "#said")
        assert not world.has_changed


async def test_an_unchanged_text_writes_nothing() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await go_to(pilot, REVIEWS)
        await press(pilot, "enter", "ctrl+s")
        assert words(app, "#said") == "– nothing was changed"
        await press(pilot, "escape")
        assert not play_screen(pilot).desk.play.world.has_changed


async def test_letters_typed_in_the_editor_are_text_and_new_lines_keep_their_indent() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await press(pilot, "N", *"a:", "enter", "tab", *"xq", "enter", "D")
        editor = app.screen
        assert isinstance(editor, DrillEditorScreen)
        assert editor.area.text == "a:\n  xq\n  D"


async def test_pasted_objects_are_applied_together_or_not_at_all() -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\n"
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        screen = play_screen(pilot)
        text = f"{service % 'one'}spec: {{ports: [{{port: 80}}]}}\n---\n{service % 'Two'}"
        await press(pilot, "N")
        await apply_text(pilot, text)
        assert 'Service "Two" is invalid' in words(app, "#said")
        assert not screen.desk.play.world.has_changed
        await apply_text(pilot, text.replace("Two", "two"))
        shown = {row.value.name for row in screen.query_one("#objects", RowsTable).shown}
        assert {"shop/one", "shop/two"} <= shown
        await press(pilot, "U")
        shown = {row.value.name for row in screen.query_one("#objects", RowsTable).shown}
        assert not {"shop/one", "shop/two"} & shown


async def test_a_key_for_workloads_says_so_elsewhere() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await go_to(pilot, REVIEWS)
        for key in ("R", "S"):
            await press(pilot, key)
            assert "is for Deployments" in said(app)
            assert isinstance(app.screen, DrillPlayScreen)


async def test_replicas_and_labels_are_checked_before_they_are_written() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await go_to(pilot, RATINGS)
        await press(pilot, "S", *"many", "enter")
        assert isinstance(app.screen, LineWindow)
        assert "A number of replicas is needed" in words(app, "#complaint")
        await press(pilot, "escape", "L", *"team", "enter")
        assert "write KEY=VALUE" in words(app, "#complaint")
        app.screen.query_one(Input).value = "team=a b-"
        await press(pilot, "enter")
        world = play_screen(pilot).desk.play.world
        assert RATINGS.find(world.objects)["metadata"]["labels"]["team"] == "a"  # type: ignore[index]


async def test_deleting_asks_first() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await go_to(pilot, REVIEWS)
        world = play_screen(pilot).desk.play.world
        await press(pilot, "D", "escape")
        assert REVIEWS.find(world.objects) is not None
        await press(pilot, "D", "enter")
        assert REVIEWS.find(world.objects) is None


async def test_hints_say_what_they_cost_and_come_one_by_one() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        play = play_screen(pilot).desk.play
        for number, points in enumerate((5, 10, 15), start=1):
            await press(pilot, "H")
            assert isinstance(app.screen, AskWindow)
            assert f"Hint {number} of 3 costs {points} points" in app.screen.question
            await press(pilot, "escape")
            assert play.hints == number - 1
            await press(pilot, "H", "enter")
            assert isinstance(app.screen, TextWindow)
            assert app.screen.text == drill().hints[number - 1]
            await press(pilot, "escape")
        await press(pilot, "H")
        assert isinstance(app.screen, TextWindow)
        assert all(hint in app.screen.text for hint in drill().hints)
        await press(pilot, "escape")
        assert (await graded(pilot)).losses[0].points == 30


async def test_questions_are_told_right_from_wrong_by_number_or_by_words() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await press(pilot, "Q")
        assert isinstance(app.screen, QuestionsWindow)
        await press(pilot, "2", "enter")
        assert "no." in words(app, "#verdict")
        app.screen.query_one(Input).value = "1"
        await press(pilot, "enter")
        assert "right" in words(app, "#verdict")
        assert drill().questions[0].because in words(app, "#verdict")
        await press(pilot, "enter")
        app.screen.query_one(Input).value = "nc and uh"
        await press(pilot, "enter")
        assert "right" in words(app, "#verdict")
        await press(pilot, "escape")
        assert "2/4 questions" in words(app, "#attempt")


async def test_a_hypothesis_is_chosen_among_look_alikes_and_judged_at_the_end(
    results: list[history.Result],
) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await press(pilot, "C")
        assert isinstance(app.screen, CausesWindow)
        offered = {row.value for row in app.screen.query_one(RowsTable).shown}
        assert {"subset-not-defined", "subset-selects-no-pods"} < offered
        await press(pilot, "slash", *"selects-no", "enter", "enter")
        assert "cause subset-selects-no-pods" in words(app, "#attempt")
        await press(pilot, "F", "F")
        assert isinstance(app.screen, TextWindow)
        assert "Your hypothesis was subset-selects-no-pods" in app.screen.text
        assert drill().explanation in app.screen.text
        assert drill().look_alike in app.screen.text
        assert "kubectl patch virtualservices" in app.screen.text
        assert all(page in app.screen.text for page in drill().documents)
        await press(pilot, "escape")
        (kept,) = results
        assert (kept.passed, kept.right_hypothesis) == (False, False)
        assert kept.hypothesis == "subset-selects-no-pods"


async def test_a_drill_that_builds_something_has_no_cause_to_name() -> None:
    from dataclasses import replace

    app = DrillApp(replace(drill(), causes=()), clock=lambda: 0.0)
    async with app.run_test() as pilot:
        await quiet(pilot)
        await press(pilot, "C")
        assert "no root cause to name" in said(app)
        assert "cause" not in words(app, "#attempt")


async def test_the_report_says_which_check_failed_and_editing_goes_on(
    results: list[history.Result],
) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await press(pilot, "F")
        assert isinstance(app.screen, DrillGradeScreen)
        assert "✗ D08 is not passed: 0 of 100 points" in words(app, "#headline")
        rows = {row.key: row.plain for row in app.screen.query_one(RowsTable).shown}
        assert "✗ failed" in rows["reviews-answers"]
        assert "503" in rows["reviews-answers"]
        await press(pilot, "escape")
        await edited(pilot, "subset: v3", "subset: v1")
        assert (await graded(pilot)).passed
        assert results == []


async def test_starting_over_puts_everything_back_but_time_and_hints() -> None:
    app = app_on("D01")
    async with app.run_test() as pilot:
        await quiet(pilot)
        play = play_screen(pilot).desk.play
        await make(pilot, *drill("D01").reference.edits)
        await press(pilot, "H", "enter", "escape")
        assert play.grade().passed
        await start_over(pilot)
        assert not play.world.has_changed
        assert not play.grade().passed
        assert play.hints == 1
        assert play.world.snapshot() is play.world.start_snapshot
        await press(pilot, "U")
        assert said(app) == "There is nothing to take back"


async def test_the_time_left_is_in_the_header_of_every_screen_and_may_run_out() -> None:
    now = [0.0]
    app = DrillApp(drill(), clock=lambda: now[0])
    async with app.run_test(size=(120, 36)) as pilot:
        await quiet(pilot)
        play_screen(pilot).desk.play.began = 0.0
        for seconds, shown in ((60.0, "7:00 left"), (500.0, "! 0:20 over")):
            now[0] = seconds
            for key in ("o", "x", "t"):
                await press(pilot, key)
                assert isinstance(app.screen, MeshScreen)
                app.screen.state.changed.publish(app.screen.state)
                await quiet(pilot)
                assert shown in words(app, "#header")


async def test_leaving_a_drill_asks_first_and_keeps_nothing(results: list[history.Result]) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        for key in ("escape", "q"):
            await press(pilot, key, "escape")
            assert isinstance(app.screen, DrillPlayScreen)
        await press(pilot, "escape", "enter")
        assert isinstance(app.screen, DrillListScreen)
        assert results == []


async def test_an_exam_shows_no_hint_no_question_and_no_grade() -> None:
    ended: list[Grade | None] = []
    app = DrillApp(clock=lambda: 0.0)
    async with app.run_test() as pilot:
        await quiet(pilot)
        play = Play(drill(), beginning(drill()), lambda: 0.0)
        app.push_screen(DrillPlayScreen(play, exam=True), ended.append)
        await quiet(pilot)
        await press(pilot, "H", "Q")
        assert isinstance(app.screen, DrillPlayScreen)
        assert play.hints == 0
        assert "hints" not in words(app, "#attempt")
        await edited(pilot, "subset: v3", "subset: v2")
        await press(pilot, "F", "enter")
        assert isinstance(app.screen, DrillListScreen)
        (grade,) = ended
        assert grade is not None
        assert grade.passed
        app.push_screen(DrillPlayScreen(play, exam=True), ended.append)
        await quiet(pilot)
        assert "proxies not available" in words(app, "#attempt")
        await press(pilot, "escape", "enter")
        assert ended[1:] == [None]


async def test_a_row_can_be_seen_whole_and_its_command_copied() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        await go_to(pilot, RATINGS)
        await press(pilot, "y")
        assert isinstance(app.screen, TextWindow)
        assert "availableReplicas" in app.screen.text
        await press(pilot, "escape", "c")
        assert app.clipboard == "kubectl get deployments.apps/ratings-v1 -n shop -o yaml"


async def test_every_key_of_a_drill_is_in_the_registry_and_in_its_help() -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await quiet(pilot)
        registered = {binding.id for binding in keymap.ALL}
        active = [one.binding for one in app.screen.active_bindings.values() if one.binding.id]
        own = [binding for binding in active if str(binding.id).startswith("drill-")]
        assert {binding.id for binding in own} == {binding.id for binding in keymap.DRILL}
        assert {binding.id for binding in own} <= registered
        assert len({one.id for one in active if one.show and one.id in registered}) <= 8
        await press(pilot, "question_mark")
        assert isinstance(app.screen, TextWindow)
        assert all(binding.tooltip in app.screen.text for binding in own)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_no_screen_of_a_drill_is_cut_at_its_edges(size: tuple[int, int]) -> None:
    app = app_on()
    async with app.run_test(size=size) as pilot:
        await quiet(pilot)
        for key in ("F", "escape", "enter", "escape", "N", "escape"):
            await press(pilot, key)
            assert app.screen.virtual_size.height <= size[1]
            for table in app.screen.query(RowsTable):
                assert table.region.right <= size[0]
                assert table.grid.virtual_size.width <= table.grid.size.width
        assert app.return_code is None
