"""The file that a served mesh's kubeconfig is written to."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def kubeconfig_file(wanted: Path | None) -> Iterator[Path]:
    """An empty file of one's own, mode 0600, that is gone afterwards.

    Args:
        wanted: where; None for a temporary file.

    Raises:
        ClickException: it exists, or cannot be written.
    """
    if wanted is None:
        handle, name = tempfile.mkstemp(prefix="meshdoctor-", suffix=".kubeconfig")
        path = Path(name)
    else:
        path = wanted.absolute()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            message = f"{wanted} exists; --kubeconfig never writes over a file"
            raise click.ClickException(message) from None
        except OSError as error:
            raise click.ClickException(f"{wanted}: {error.strerror}") from None
    os.close(handle)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
