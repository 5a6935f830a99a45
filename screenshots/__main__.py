"""Make the pictures anew."""

import asyncio
from pathlib import Path

from screenshots.scenes import SCENES, picture

for name in SCENES:
    path = Path(__file__).with_name(f"{name}.svg")
    path.write_text(asyncio.run(picture(name)))
    print(path)
