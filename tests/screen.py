"""What a person reads on a screen."""

from __future__ import annotations

import re


def reads(screen: str, text: str) -> bool:
    """Whether the words of `text` stand on the screen in their order, wherever a line breaks between them."""
    return re.search(r"\s.*?".join(map(re.escape, text.split())), screen, re.DOTALL) is not None
