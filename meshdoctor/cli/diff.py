"""``meshdoctor diff``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.extending import extend, playbooks_option
from meshdoctor.cli.options import chosen_namespaces, namespace_options, output_option
from meshdoctor.cli.output import one_line_errors, print_json, print_lines, read
from meshdoctor.cli.source_options import live_options
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice
    from meshdoctor.diff.change import Comparison
    from meshdoctor.session import Session


def exit_code(found: Comparison) -> ExitCode:
    """1 for a root cause that was not there before, 4 where that cannot be told, 3 for changes."""
    if found.explained:
        return ExitCode.ROOT_CAUSE
    if found.incomplete:
        return ExitCode.UNREAD
    return ExitCode.OK if found.same else ExitCode.WARNINGS


def _sessions(
    old: Path, new: Path | None, choice: Choice, namespaces: tuple[str, ...]
) -> tuple[Session, Session]:
    from meshdoctor.live.options import LiveOptions
    from meshdoctor.session import RecordingSource, Session

    if new is None:
        return Session(RecordingSource(old)), choice.session(namespaces=namespaces)
    if choice.live != LiveOptions():
        raise click.UsageError(
            f"{new} is a recording: options marked Live are for a cluster (leave one out)"
        )
    return Session(RecordingSource(old)), Session(RecordingSource(new))


def _show_in_app(before: Session, after: Session, old: Path, output: str) -> None:
    """Open the app on B, with what changed since A on top."""
    if output != "text":
        raise click.UsageError("--app shows it in the app: leave -o out")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("--app needs a terminal")
    with one_line_errors():
        after.source.check()
        snapshot = read(before)
    from meshdoctor.app import MeshdoctorApp

    app = MeshdoctorApp(after)
    app.compared_with = snapshot, old
    app.run()


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path), metavar="A")
@click.argument("new", type=click.Path(path_type=Path), required=False, metavar="[B]")
@live_options
@playbooks_option
@namespace_options
@output_option
@click.option("--app", "in_app", is_flag=True, help="Show it in the app (needs a terminal).")
def command(
    old: Path,
    new: Path | None,
    choice: Choice,
    own: tuple[Path, ...],
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    output: str,
    in_app: bool,
) -> int:
    """Show what changed from A to B: objects, proxies, certificates, root causes.

    A and B are recordings, or archives that become one; without B the live cluster is compared.
    For each root cause that is new, the changes that may have brought it come first.

    Exit codes: 0 nothing changed, 3 something did, 1 a root cause is new, 4 not everything could be
    compared and no root cause is new, 2 bad usage or unreadable input.
    """
    extend(own)
    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    before, after = _sessions(old, new, choice, chosen)
    if in_app:
        _show_in_app(before, after, old, output)
        return ExitCode.OK
    with one_line_errors():
        first, second = read(before), read(after)
        # Imported here: both meshes are read before anything is compared.
        from meshdoctor.diff.compare import compare

        found = compare(first, second, chosen)
    if output == "json":
        from meshdoctor.diff.document import comparison_json

        print_json(comparison_json(found))
    else:
        from meshdoctor.diff.text import comparison_lines

        print_lines(comparison_lines(found))
    return exit_code(found)
