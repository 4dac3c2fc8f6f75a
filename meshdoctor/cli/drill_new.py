"""``meshdoctor drill new``: a drill to be finished, from a recording."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from meshdoctor.cli.output import one_line_errors

_ID = re.compile(r"[A-Z][A-Z0-9-]{1,15}")


@click.command("new", short_help="Write a drill from a recording.")
@click.argument("name", metavar="ID")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="RECORDING",
    help="A recording of the broken mesh, or the name of a bundled one.",
)
@click.option(
    "--output",
    "-o",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="MESHDOCTOR_DRILLS",
    default=Path(),
    help="The folder it is written to: MESHDOCTOR_DRILLS, else this one.",
)
def new_drill(name: str, source: str, folder: Path) -> None:
    """Write the YAML of a new drill ID from a recording's diagnosis, with TODO for the rest.

    ID is capitals, digits and dashes, as in TEAM-1. The path of the file goes to stdout, and what
    is left to do to stderr.
    """
    from meshdoctor.drill.library import drills
    from meshdoctor.drill.lint import lint_files

    if not _ID.fullmatch(name):
        raise click.ClickException(f"{name!r} is no id: write capitals, digits and dashes")
    if name in (one.id for one in drills() if one.home is None):
        raise click.ClickException(f"{name} is a bundled drill's id")
    path = folder / f"{name}.yaml"
    if path.exists():
        raise click.ClickException(f"{path} exists; drill new never writes over a file")
    text = _text(name, *_recording(source, folder))
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    click.echo(path)
    left = lint_files([path])
    click.echo(f"{len(left)} places are left to you: meshdoctor drill lint {path}", err=True)


def _recording(source: str, folder: Path) -> tuple[Path, str]:
    """Where the recording lies, and how the drill's file names it."""
    from meshdoctor.resources import bundled_recordings

    path = Path(source)
    for bundled in bundled_recordings():
        name = bundled.name.removesuffix(".tar.gz")
        if (source == name and not path.exists()) or (
            path.exists() and path.resolve() == bundled.resolve()
        ):
            return bundled, name
    return path, Path(os.path.relpath(path, folder)).as_posix()


def _text(name: str, path: Path, recording: str) -> str:
    from meshdoctor.diagnose.diagnosis import diagnose
    from meshdoctor.drill.scaffold import scaffold
    from meshdoctor.drill.world import World

    with one_line_errors():
        world = World.from_recording(path)
        return scaffold(name, recording, diagnose(world.snapshot()), lambda: world)
