"""The pictures are today's screens."""

from __future__ import annotations

from pathlib import Path

import pytest

import screenshots
from screenshots.scenes import SCENES, picture

pytestmark = pytest.mark.process


@pytest.mark.parametrize("name", SCENES)
async def test_the_picture_is_todays_screen(name: str) -> None:
    kept = Path(screenshots.__file__).with_name(f"{name}.svg").read_text()
    same = await picture(name) == kept
    assert same, f"screenshots/{name}.svg is not today's screen; make the pictures anew: python -m screenshots"
