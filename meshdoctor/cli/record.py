"""``meshdoctor record``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import chosen_namespaces, namespace_options
from meshdoctor.cli.output import one_line_errors
from meshdoctor.cli.source_options import live_options
from meshdoctor.cli.waiting import waiting
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice
    from meshdoctor.session import Session
    from meshdoctor.source import Saved

_MIB = 1024 * 1024


def default_path(name: str, now: datetime) -> Path:
    """``meshdoctor-<context>-<time>.tar.gz`` in the current folder."""
    from meshdoctor.recording.writer import safe_name

    return Path(f"meshdoctor-{safe_name(name)}-{now:%Y%m%dT%H%M%SZ}.tar.gz")


def _told(saved: Saved) -> None:
    """The path on stdout, so that a script can take it; the rest on stderr."""
    things = "thing" if saved.not_read == 1 else "things"
    missing = f", {saved.not_read} {things} not read (listed inside)" if saved.not_read else ""
    secrets = "secret" if saved.redactions == 1 else "secrets"
    size = f"{saved.size / 1e6:.1f} MB" if saved.size >= 1e6 else f"{saved.size / 1e3:.0f} kB"
    click.echo(
        f"meshdoctor: {saved.files} files, {size}, {saved.redactions} {secrets} hidden{missing}",
        err=True,
    )
    click.echo(saved.path)


def _of_archive(archive: Path, choice: Choice, *, narrowed: bool, force: bool) -> Session:
    """A session on another tool's archive, which becomes a recording as it is."""
    from meshdoctor.live.options import LiveOptions
    from meshdoctor.session import RecordingSource, Session

    if narrowed or choice.live != LiveOptions():
        raise click.UsageError(
            "--archive takes the whole archive: leave out what narrows a live read"
        )
    return Session(RecordingSource(archive, replace=force))


@click.command("record")
@live_options
@namespace_options
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A .tar.gz, or a folder.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--from", "source", metavar="POD", help="Only what this caller's question needs.")
@click.option("--to", metavar="HOST[:PORT]", help="Only what this destination's question needs.")
@click.option(
    "--archive",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="No cluster: make it of an istioctl bug-report, a kubectl dump, a support bundle.",
)
@click.option(
    "--max-size",
    type=click.IntRange(min=1),
    default=1024,
    show_default=True,
    metavar="MIB",
    help="Leave files out past this size (before compression); what was left out is listed.",
)
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    output: Path | None,
    force: bool,
    source: str | None,
    to: str | None,
    archive: Path | None,
    max_size: int,
) -> int:
    """Take a recording of the live cluster: everything that a diagnosis needs, redacted.

    Private keys, tokens, cookies and passwords are hidden before the first byte reaches the disk;
    IP addresses and names stay, they are evidence. Ctrl-C keeps what was read.
    """
    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    session = (
        _of_archive(archive, choice, narrowed=bool(chosen or source or to), force=force)
        if archive is not None
        else choice.session(
            namespaces=chosen, source=source, to=to, size_limit=max_size * _MIB, replace=force
        )
    )
    with one_line_errors():
        path = output or default_path(session.source.name, datetime.now(UTC))
        with waiting(session.source.name) as listener:
            saved = session.source.save(path, listener)
    _told(saved)
    return ExitCode.UNREAD if saved.lacks_needed else ExitCode.OK
