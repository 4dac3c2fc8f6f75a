"""How long ``--version`` and ``--help`` take, and which heavy modules they import."""

from __future__ import annotations

import subprocess
import sys

from processes import measure

_HEAVY = ("textual", "kubernetes", "httpx", "rich", "yaml", "jsonschema", "cryptography", "msgspec")


def imported(argument: str) -> list[str]:
    """The heavy modules that a run imports."""
    code = (
        "import sys; from meshdoctor.cli import run; run([sys.argv[1]]);"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, argument], capture_output=True, text=True, check=False
    )
    modules = set(run.stderr.split())
    return [name for name in _HEAVY if name in modules]


if __name__ == "__main__":
    for argument in ("--version", "--help"):
        heavy = ", ".join(imported(argument)) or "none"
        print(f"meshdoctor {argument}: {measure([argument])}; heavy imports: {heavy}")
