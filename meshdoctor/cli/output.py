"""stdout is the result; stderr is progress and complaints."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from meshdoctor.cli.waiting import waiting
from meshdoctor.garbage import rare_collections
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.model.source_error import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.text import Text

    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.session import Session


def _drop_stdout() -> None:
    """Send what is left to nowhere: the reader has gone, and the exit code still counts."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _echo(text: str) -> None:
    try:
        click.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()


def print_json(value: Any) -> None:
    """A value as indented JSON on stdout."""
    _echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_text(text: str) -> None:
    """A text that ends its own last line, as it is."""
    _echo(text.removesuffix("\n"))


def print_lines(lines: Iterable[Text]) -> None:
    """Styled lines: wrapped and coloured on a terminal, plain and whole when piped."""
    from rich.console import Console

    class PipeConsole(Console):
        """A console that outlives its reader."""

        def on_broken_pipe(self) -> None:
            _drop_stdout()

    console = PipeConsole(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
    for line in lines:
        console.print(line)


def print_table(columns: Sequence[tuple[str, str]], rows: Sequence[object], nothing: str) -> None:
    """Rows as a table, or the sentence that says why there are none."""
    from meshdoctor.report.table import table_text

    _echo(table_text(columns, rows) if rows else nothing)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what a person can mend into one line on stderr and exit code 2."""
    from meshdoctor.diagnose.scope import ScopeError

    try:
        yield
    except (SourceError, ScopeError) as error:
        raise click.ClickException(" ".join(str(error).split())) from None


def read(session: Session, scope: Scope | None = None) -> Snapshot:
    """Read the session's source, with progress on stderr when a person watches.

    Args:
        session: what to read.
        scope: what will be diagnosed, so that a first verdict can be told while reading goes on.
    """
    with rare_collections(), waiting(session.source.name, scope) as listener:
        return session.snapshot(listener)


def complain_of_missing(snapshot: Snapshot) -> None:
    """One line on stderr when part of the mesh could not be read."""
    missing = [item for item in snapshot.not_read if item.status is not NotReadStatus.NOT_INSTALLED]
    number = len(missing)
    if number:
        first = missing[0]
        more = f" and {number - 1} more" if number > 1 else ""
        click.echo(
            f"meshdoctor: not read: {first.what}: {first.status} ({first.reason}){more}", err=True
        )
