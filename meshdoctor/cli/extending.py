"""``--playbooks DIR``: users' own playbooks, causes, checks and analyzers beside the bundled ones.

Named by the option, else by the environment variable MESHDOCTOR_PLAYBOOKS, else by ``playbooks``
in ``config.yaml`` of the user's configuration directory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., object]")
VARIABLE = "MESHDOCTOR_PLAYBOOKS"
CONFIG_VARIABLE = "MESHDOCTOR_CONFIG"


def _config_file() -> Path:
    if given := os.environ.get(CONFIG_VARIABLE):
        return Path(given)
    from platformdirs import user_config_path

    return user_config_path("meshdoctor") / "config.yaml"


def _configured() -> list[Path]:
    """The folders that the configuration file names, relative to itself."""
    file = _config_file()
    if not file.is_file():
        return []
    import yaml

    try:
        found = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader) or {}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise click.ClickException(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None
    if isinstance(found, dict) and (strange := sorted({str(key) for key in found} - {"playbooks"})):
        raise click.ClickException(f"{file} knows playbooks, and no {', '.join(strange)}")
    named = found.get("playbooks", []) if isinstance(found, dict) else None
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise click.ClickException(f"{file}: playbooks is a folder or a list of folders")
    return [file.parent / Path(one).expanduser() for one in named]


def folders_meant(given: Sequence[Path]) -> list[Path]:
    """The folders to use: those given, else the environment's, else the configuration's.

    Raises:
        click.ClickException: the configuration cannot be used, or a folder is not there.
    """
    found = list(given)
    if not found and (text := os.environ.get(VARIABLE)):
        found = [Path(one).expanduser() for one in text.split(os.pathsep) if one]
    found = found or _configured()
    for folder in found:
        if not folder.is_dir():
            raise click.ClickException(f"{folder} is no folder of playbooks")
    return found


def extend(given: Sequence[Path]) -> None:
    """Use the folders that are meant, once they are sound.

    Raises:
        click.ClickException: there is none of that name, or what is in it cannot be used.
    """
    from meshdoctor.extension.folders import folders, use

    use(folders_meant(given))
    if not folders():
        return
    from meshdoctor.diagnose.lint import lint

    problems = lint()
    if problems:
        use(())
        more = f" ({len(problems) - 1} more: meshdoctor playbooks lint)" if problems[1:] else ""
        raise click.ClickException(f"{problems[0]}{more}")


playbooks_option = click.option(
    "--playbooks",
    "own",
    type=click.Path(path_type=Path, file_okay=False),
    multiple=True,
    metavar="DIR",
    help="Your own playbooks, causes, checks and analyzers as well (docs/extending.md).",
)
