"""PNGs of the pictures: they look the same everywhere, also where the letters of the SVG are missing."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
from pathlib import Path

import resvg_py
from PIL import Image, PngImagePlugin

FONT = "DejaVu Sans Mono"
SOURCE = "svg"
"""The key of a PNG's metadata with the digest of the SVG that it was made of."""
_COLOURS = 128


def digest(svg: str) -> str:
    """What tells whether a PNG was made of that SVG."""
    return hashlib.sha256(svg.encode()).hexdigest()


def source(path: Path) -> str:
    """The digest of the SVG that the PNG was made of."""
    with Image.open(path) as image:
        return str(image.info.get(SOURCE, ""))


def write_png(svg: str, path: Path) -> None:
    """Write the PNG of the picture, with few colours, and remember what it was made of."""
    text = PngImagePlugin.PngInfo()
    text.add_text(SOURCE, digest(svg))
    drawn(svg).quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True, pnginfo=text)


def drawn(svg: str, width: int | None = None) -> Image.Image:
    """The picture in pixels, on the background of its own frame."""
    check_font()
    svg = svg.replace("Fira Code", FONT).replace("font-family: arial", f"font-family: {FONT}")
    frame = re.search(r'<rect fill="(#[0-9a-f]{6})"', svg)
    assert frame is not None
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=width, background=frame[1], monospace_family=FONT, text_rendering="geometric_precision"
    )
    return Image.open(io.BytesIO(png)).convert("RGB")


def check_font() -> None:
    """SystemExit where the font is missing: nothing would be written then."""
    installed = subprocess.run(["fc-list", ":family", "family"], capture_output=True, text=True, check=False).stdout
    if FONT not in installed:
        raise SystemExit(f"the font {FONT} is missing: apt install fontconfig fonts-dejavu-core fonts-droid-fallback")
