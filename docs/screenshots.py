"""Makes the pictures of the README from bundled recordings and a drill: ``make screenshots``.

Each picture is the app itself, driven by keys in a terminal of 110 columns and 32 rows.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_CHECKOUT))

from meshdoctor.app import MeshdoctorApp  # noqa: E402 - the checkout is on the path only now
from meshdoctor.app.drill_app import DrillApp  # noqa: E402
from meshdoctor.drill.library import drill_for  # noqa: E402
from meshdoctor.session import RecordingSource, Session  # noqa: E402

RECORDINGS = _CHECKOUT / "recordings"
IMAGES = _CHECKOUT / "docs" / "images"
PICTURES = {
    "overview": ("proxy-cannot-reach-istiod", ()),
    "diagnosis": ("application-binds-to-localhost", ("enter", "enter")),
}
"""Name of the picture, its recording, and the keys pressed once the diagnosis is there."""
DRILL = "D18"
_SIZE = (110, 32)
_WEB_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Pictures fetch nothing: the reader's own monospace font does."""


async def _taken(recording: str, keys: tuple[str, ...]) -> str:
    source = RecordingSource(RECORDINGS / f"{recording}.tar.gz")
    app = MeshdoctorApp(Session(source))
    async with app.run_test(size=_SIZE) as pilot:
        while app.state.diagnosis is None:
            await pilot.pause(0.05)
        for key in keys:
            await pilot.pause()
            await pilot.press(key)
            while any(not worker.is_finished for worker in app.workers):
                await pilot.pause(0.05)
        await pilot.pause()
        return _WEB_FONT.sub("", app.export_screenshot(title="meshdoctor"))


async def _drill() -> str:
    app = DrillApp(drill_for(DRILL), clock=lambda: 0.0)
    async with app.run_test(size=_SIZE) as pilot:
        while app.screen.query("#objects LoadingIndicator") or not app.screen.query("#objects"):
            await pilot.pause(0.05)
        while any(not worker.is_finished for worker in app.workers):
            await pilot.pause(0.05)
        await pilot.pause()
        return _WEB_FONT.sub("", app.export_screenshot(title="meshdoctor drill"))


def main() -> None:
    """Take every picture anew."""
    IMAGES.mkdir(exist_ok=True)
    for name, (recording, keys) in PICTURES.items():
        path = IMAGES / f"{name}.svg"
        path.write_text(asyncio.run(_taken(recording, keys)), encoding="utf-8")
        print(path.relative_to(_CHECKOUT))
    path = IMAGES / "drill.svg"
    path.write_text(asyncio.run(_drill()), encoding="utf-8")
    print(path.relative_to(_CHECKOUT))


if __name__ == "__main__":
    main()
