"""The pictures are today's screens, each also as a PNG of what it is now, and the animated one can be shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import screenshots
from screenshots.png import digest, source
from screenshots.scenes import SCENES, picture

pytestmark = pytest.mark.process

FOLDER = Path(screenshots.__file__).parent
MAKE = "make the pictures anew: python -m screenshots"


@pytest.mark.parametrize("name", SCENES)
async def test_the_picture_is_todays_screen(name: str) -> None:
    kept = (FOLDER / f"{name}.svg").read_text()
    same = await picture(name) == kept
    assert same, f"screenshots/{name}.svg is not today's screen; {MAKE}"


@pytest.mark.parametrize("svg", sorted(FOLDER.glob("*.svg")), ids=lambda path: path.stem)
def test_the_png_shows_what_the_svg_does(svg: Path) -> None:
    png = svg.with_suffix(".png")
    assert png.exists(), MAKE
    assert source(png) == digest(svg.read_text()), f"{png.name} was made of another {svg.name}; {MAKE}"
    assert png.stat().st_size < 300_000
    with Image.open(png) as image:
        assert image.width > 1000


def test_the_animation_is_short_and_small() -> None:
    path = FOLDER / "tour.png"
    assert path.stat().st_size < 2_000_000
    with Image.open(path) as image:
        frames = getattr(image, "n_frames", 1)
        seconds = 0.0
        for number in range(frames):
            image.seek(number)
            seconds += image.info["duration"] / 1000
    assert frames > 20
    assert 15 <= seconds <= 40, seconds


def test_the_animation_is_on_a_background_of_its_own() -> None:
    with Image.open(FOLDER / "tour.png") as image:
        assert "transparency" not in image.info
        corners = [image.convert("RGB").getpixel(at) for at in ((0, 0), (image.width - 1, image.height - 1))]
    assert all(isinstance(corner, tuple) and max(corner) < 64 for corner in corners)
