"""The command palette: where to go, what to filter, how it looks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from screens.mesh_screen import MeshScreen
from screens.messages import CauseOpened, ProxyOpened
from screens.places import PLACES
from screens.state import Following
from screens.theme import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from screens.state import MeshState

    Command = tuple[str, str, Callable[[], Any]]
    """What is typed, the line of help beneath, and what is done."""

_MOST_OFFERED = 12
"""So many are offered before a letter is typed."""


class MeshCommands(Provider):
    """Commands named ``area: Action``; only what applies now."""

    def _commands(self) -> Iterator[Command]:
        yield from self._places()
        screen = self.screen
        if isinstance(screen, MeshScreen):
            yield "help: Keys of this screen", "Key ?", partial(self.app.run_action, "help")
            yield from screen.commands()
            yield from self._of_screen(screen)
        if not self._closed("report"):
            yield "report: Write a report", "Key w", partial(self.app.run_action, "report")
        if not self._closed("changes"):
            changed = "Against another recording. Key d"
            yield "compare: What changed (diff)", changed, partial(self.app.run_action, "changes")
        if not self._closed("read_again"):
            yield "app: Read again", "Key r", partial(self.app.run_action, "read_again")
        if isinstance(screen, MeshScreen) and screen.state.is_live:
            yield from self._of_live(screen.state)
        line = "Of a log, an event, curl: what it says, where to go on. Key p"
        if not self._closed("paste"):
            yield "app: Paste a line (paste)", line, partial(self.app.run_action, "paste")
        said = "What toasts have said: errors, confirmations"
        yield "app: Messages (log)", said, partial(self.app.run_action, "messages")
        yield "app: Quit (q)", "Key ctrl+c", partial(self.app.run_action, "quit")
        for theme in (DARK.name, LIGHT.name):
            if theme != self.app.theme:
                yield f"theme: {theme}", "Change the colours", partial(self._use_theme, theme)

    def _closed(self, what: str) -> bool:
        """Whether a place or an action is closed where the person is."""
        return isinstance(self.screen, MeshScreen) and what in self.screen.state.closed

    def _places(self) -> Iterator[Command]:
        for name, place in PLACES.items():
            if self._closed(name):
                continue
            title = f"go: {place.title} ({', '.join(place.aliases)})"
            line = f"{place.line}. Key {place.key}"
            yield title, line, partial(self.app.run_action, f"go('{name}')")

    def _of_live(self, state: MeshState) -> Iterator[Command]:
        title = "collect: Stop the recording" if state.saving else "collect: Record this mesh (rec)"
        yield title, "Key ctrl+s", partial(self.app.run_action, "record")
        if not state.why_not("follow"):
            is_paused = state.following is Following.PAUSED
            title = "collect: Follow the mesh again" if is_paused else "collect: Pause following"
            yield title, "Key space", partial(self.app.run_action, "follow")

    def _of_screen(self, screen: MeshScreen) -> Iterator[Command]:
        yield "filter: All namespaces (ns all)", "Key 0", partial(screen.action_namespace, 0)
        for number, name in enumerate(screen.state.namespaces, start=1):
            line = f"Key {number}" if number < 10 else "Only this namespace"
            title = f"filter: Namespace {name} (ns {name})"
            yield title, line, partial(screen.action_namespace, number)
        if screen.table is not None:
            yield "filter: Rows that match …", "Key /", screen.action_filter
            yield "filter: Faults only", "Key ctrl+z", screen.action_faults
            yield "view: Columns at full width", "Key ctrl+w", screen.action_wide
            yield "view: Row as JSON", "Key y", screen.action_raw
            yield "copy: What the row stands for", "Key c", screen.action_copy

    def _of_mesh(self) -> Iterator[Command]:
        """Things in this mesh: found by typing, not offered before."""
        screen = self.screen
        if not isinstance(screen, MeshScreen) or screen.state.diagnosis is None:
            return
        post = self.app.post_message
        for cause in screen.state.diagnosis.root_causes:
            yield f"cause: {cause.id}", cause.title, partial(post, CauseOpened(cause))
        snapshot = screen.state.snapshot
        for name in snapshot.proxies if snapshot else ():
            yield f"proxy: {name}", "What it holds", partial(post, ProxyOpened(name))

    def _use_theme(self, name: str) -> None:
        self.app.theme = name

    async def discover(self) -> Hits:
        """The most useful, before a letter is typed."""
        for number, (title, line, run) in enumerate(self._commands()):
            if number < _MOST_OFFERED:
                yield DiscoveryHit(title, run, help=line)

    async def search(self, query: str) -> Hits:
        """What matches the letters typed."""
        matcher = self.matcher(query)
        for title, line, run in (*self._commands(), *self._of_mesh()):
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, help=line)
