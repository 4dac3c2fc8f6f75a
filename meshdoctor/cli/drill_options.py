"""What commands about drills share: where drills are, and which one is meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.drill.drill import Drill

F = TypeVar("F", bound="Callable[..., object]")


def drills_option(command: F) -> F:
    """``--drills``: a folder of the person's own drills, read beside the bundled ones."""
    return click.option(
        "--drills",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        envvar="MESHDOCTOR_DRILLS",
        metavar="DIR",
        help="A folder of your own drills, beside the bundled ones (or MESHDOCTOR_DRILLS).",
    )(command)


def all_drills(folder: Path | None) -> tuple[Drill, ...]:
    """Every drill, by id; what is left out of the person's own is said on stderr.

    Args:
        folder: of the person's own; None for none.
    """
    from meshdoctor.drill.library import drills, own_problems

    for problem in own_problems(folder):
        click.echo(f"meshdoctor: {problem}", err=True)
    return drills(folder)


def drill_named(name: str, folder: Path | None) -> Drill:
    """The drill of this id, in capitals or not.

    Args:
        name: its id.
        folder: of the person's own; None for none.

    Raises:
        ClickException: there is none.
    """
    from meshdoctor.drill.library import drill_for

    known = all_drills(folder)
    found = drill_for(name, folder)
    if found is None:
        there_are = ", ".join(item.id for item in known)
        raise click.ClickException(f"no drill is called {name!r}; there are {there_are}")
    return found
