"""Help: what this screen shows, and its keys, read from the live bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.keys import format_key

from screens.keymap import APP, GO, NAMESPACES, SCREEN, TABLE
from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import Binding

    from screens.mesh_screen import MeshScreen

_KEYS = 14
_NAMES = 16


def _line(keys: Iterable[str], binding: Binding) -> str:
    shown = ", ".join(format_key(key) for key in keys)
    return f"  {shown:<{_KEYS}} {binding.description:<{_NAMES}} {binding.tooltip}"


def _by_id(screen: MeshScreen) -> dict[str, tuple[list[str], Binding]]:
    """The bindings that work on this screen now, with every key of each."""
    found: dict[str, tuple[list[str], Binding]] = {}
    for key, active in screen.active_bindings.items():
        binding = active.binding
        if binding.tooltip and binding.id:
            found.setdefault(binding.id, ([], binding))[0].append(key)
    return found


def _namespace_lines(screen: MeshScreen) -> list[str]:
    names = ("all namespaces", *screen.state.namespaces[:9])
    return [f"  {number:<{_KEYS}} {name}" for number, name in enumerate(names)]


def _why_not(screen: MeshScreen) -> list[str]:
    """Which of the app's keys are dim now, and why."""
    reasons: dict[str, list[str]] = {}
    for active in screen.active_bindings.values():
        why = screen.state.why_not(active.binding.action.removeprefix("app."))
        if why:
            reasons.setdefault(why, []).append(format_key(active.binding.key))
    return [f"  ({', '.join(keys)}: not now, {why})" for why, keys in reasons.items()]


def help_text(screen: MeshScreen) -> str:
    """The keys of a screen: its own, every table's, the app's."""
    found = _by_id(screen)
    groups = {"Tables": (*TABLE, *SCREEN), "Screens": GO, "Everywhere": APP}
    general = {binding.id for group in (*groups.values(), NAMESPACES) for binding in group}
    own = [name for name in found if name not in general]
    parts = [screen.HELP, ""]
    if own:
        parts += ["This screen", *(_line(*found[name]) for name in own), ""]
    for title, group in groups.items():
        lines = [_line(*found[item.id]) for item in group if item.id in found]
        lines += _why_not(screen) if group is APP else []
        parts += [title, *lines, ""]
    if screen.HAS_NAMESPACES:
        parts += ["Namespaces", *_namespace_lines(screen), ""]
    parts += ["Moving", "  arrows, pgup, pgdn, home, end: as everywhere"]
    parts += ["  tab, shift+tab: next and previous pane"]
    return "\n".join(parts)


class HelpWindow(TextWindow):
    """The keys of the screen beneath, then those of the app."""

    def __init__(self, screen: MeshScreen) -> None:
        """Describe a screen."""
        super().__init__(f"Help: {screen.crumb}", help_text(screen))
