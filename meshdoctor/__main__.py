"""``python -m meshdoctor`` and the ``meshdoctor`` command."""

from __future__ import annotations

import sys

from meshdoctor.cli import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def complete_for_kubectl() -> None:
    """``kubectl_complete-meshdoctor``: what kubectl offers after ``kubectl meshdoctor``."""
    from meshdoctor.cli.completion import kubectl_lines

    sys.stdout.write("\n".join(kubectl_lines(sys.argv[1:])) + "\n")


if __name__ == "__main__":
    main()
