"""The animated picture: a visit to the console on the simulator, from the list to two results.

It runs in real time, since a dump has a process of its own, which knows nothing of a clock that stands still.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from PIL import Image, ImageColor
from textual.pilot import Pilot

from screenshots.png import drawn
from tui.app import Console
from tui.config.values import Config, Connection, Dumps

STEM = "tour"
SIZE = (100, 30)
URI = "sim:///demo?rate=1000"
"""A dump of 4 GiB takes some four seconds."""
FOLDER = Path("/var/tmp/virt-jobs")
"""Where its dump goes, and everything else; removed at the end."""
WIDTH = 900
"""Pixels."""
PATIENCE = 60.0
"""Seconds until something that does not appear counts as missing."""
_COLOURS = 85
"""With two steps between each and the background, these are all that a palette holds."""
BACKGROUND = "#12151c"
_TYPING = 0.1
_LOOK = 0.4
"""Seconds between two pictures of what goes on."""
_HASTE = 1.6
"""How much faster that is shown."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, and the seconds for which it is shown."""

    svg: str
    seconds: float


class Camera:
    """Presses keys and takes pictures; what is being done is in the title."""

    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.title = ""
        self.frames: list[Frame] = []

    def shoot(self, seconds: float) -> None:
        """What is on the screen now, for so long."""
        svg = self.app.export_screenshot(title=self.title)
        if self.frames and (self.frames[-1].svg == svg or not self.screen):
            # Nothing is new, or the next screen has not been painted yet.
            last = self.frames.pop()
            svg, seconds = last.svg, last.seconds + seconds
        self.frames.append(Frame(svg, seconds))

    async def press(self, *keys: str, seconds: float = 0.8) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause(0.1)
            self.shoot(_TYPING)
        self.shoot(seconds)

    async def film(self, seconds: float, until: str = "") -> None:
        """What happens within that time, or until that text appears, if it does so earlier."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and until in self.screen):
            await self.pilot.pause(_LOOK)
            self.shoot(_LOOK / _HASTE)

    @property
    def screen(self) -> str:
        return "\n".join(line.text for line in self.app.screen._compositor.render_strips())

    async def sees(self, *texts: str) -> None:
        end = time.monotonic() + PATIENCE
        while not all(text in self.screen for text in texts):
            if time.monotonic() > end:
                raise AssertionError(f"{texts} are not on the screen:\n{self.screen}")
            await self.pilot.pause(0.05)

    async def goes_to(self, name: str) -> None:
        """Filter for the domain, and look at it among the others."""
        await self.press("slash", seconds=0.2)
        await self.press(*("minus" if letter == "-" else letter for letter in name), seconds=0.4)
        await self.press("enter", "home", "escape", seconds=0.6)  # The cursor would go back if it were not moved.


async def tour() -> list[Frame]:
    """The pictures of the visit."""
    async with _console() as camera:
        await camera.sees("db-01", "batch-01", "not converging")
        camera.title = "virt-jobs: every job of every domain, no matter who started it"
        await camera.film(2.4)
        camera.title = "/ db-01: find a domain"
        await camera.goes_to("db-01")
        camera.title = "d: dump its memory; first it says what will happen"
        await camera.press("d", seconds=2.4)
        camera.title = "follow it; quit or kill the console, and the dump goes on"
        await camera.pilot.press("ctrl+s")
        await camera.film(PATIENCE, until="✓ dump completed")
        await camera.sees("completed")
        camera.title = "how it ended, and what proves it"
        camera.shoot(2.6)
        camera.title = "a migration that does not converge"
        await camera.press("escape", seconds=0.5)
        await camera.goes_to("batch")
        camera.title = "m: why not, and what helps"
        await camera.press("m", seconds=2.4)
        camera.title = "allow it a longer downtime"
        await camera.press(*["backspace"] * 5, *"9000", seconds=0.8)
        await camera.press("ctrl+s", seconds=0.6)
        camera.title = "now it ends, with proof"
        await camera.film(12.0, until="batch-01 ✓ migration")
        camera.shoot(2.4)
        return camera.frames


@contextlib.asynccontextmanager
async def _console() -> AsyncIterator[Camera]:
    config = Config(connections={"hv1": Connection(URI)}, dump=Dumps(path=f"{FOLDER}/{{domain}}.{{format}}"))
    with _surroundings():
        app = Console([URI], config=config)
        async with app.run_test(size=SIZE) as pilot:
            yield Camera(app, pilot)


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """Folders that are empty, a time zone and a user that are the same everywhere."""
    with contextlib.ExitStack() as stack:
        FOLDER.mkdir()
        stack.callback(shutil.rmtree, FOLDER)
        stack.callback(time.tzset)
        stack.enter_context(patch.dict(os.environ, XDG_STATE_HOME=str(FOLDER / "state"), TZ="UTC", LOGNAME="alice"))
        time.tzset()
        stack.enter_context(patch("socket.gethostname", lambda: "hv1"))
        yield


def write_animation(frames: list[Frame], path: Path) -> None:
    """Write the frames as one PNG. They share their colours, so that it is small."""
    palette = _palette(frames)
    few = [drawn(frame.svg, WIDTH).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    assert {image.size for image in few} == {few[0].size}
    few[0].save(
        path,
        format="PNG",
        save_all=True,
        append_images=few[1:],
        duration=[round(frame.seconds * 1000) for frame in frames],
        loop=0,
        optimize=True,
    )


def _palette(frames: list[Frame]) -> Image.Image:
    """The colours that the frames use most, and those between them and the background, which letters have at their
    edges."""
    counts = Counter(colour for frame in frames for colour in re.findall(r"(?<=[ \"])#[0-9a-f]{6}", frame.svg))
    colours = [ImageColor.getrgb(colour)[:3] for colour, _ in counts.most_common(_COLOURS)]
    background = ImageColor.getrgb(BACKGROUND)[:3]
    between = [
        tuple(round(it + (other - it) * part / 3) for it, other in zip(colour, background, strict=True))
        for part in (1, 2)
        for colour in colours
    ]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in [*colours, *between][:256] for part in colour])
    return palette
