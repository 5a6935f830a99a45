"""Make the pictures anew: all of them, with their PNGs and the animated one, or those whose names are given."""

import asyncio
import sys
from pathlib import Path

from screenshots import tour
from screenshots.png import check_font, write_png
from screenshots.scenes import SCENES, picture

FOLDER = Path(__file__).parent


def main() -> None:
    names = sys.argv[1:] or [*SCENES, tour.STEM]
    if unknown := [name for name in names if name not in (*SCENES, tour.STEM)]:
        sys.exit(f"no picture has the name {unknown[0]}; there are {', '.join(SCENES)} and {tour.STEM}")
    check_font()
    for name in names:
        path = FOLDER / f"{name}.png"
        if name == tour.STEM:
            tour.write_animation(asyncio.run(tour.tour()), path)
        else:
            svg = asyncio.run(picture(name))
            path.with_suffix(".svg").write_text(svg)
            write_png(svg, path)
        print(path)


main()
