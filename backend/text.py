"""Makes text from outside safe to print on a terminal."""

from __future__ import annotations

import re

# C0, DEL and C1 controls act on terminals; bidi marks, embeddings and isolates reorder the text around them;
# U+2028/9 break lines; lone surrogates cannot be printed.
_ACTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_PASSWORD = re.compile(r"(://[^/?#@:\n]*):[^/?#\n]*@")


def clean(text: str) -> str:
    """`text` on one line, with control and bidi characters escaped (``\\x1b``, ``\\u202e``).

    Backends clean every name, title, error and path from a hypervisor once, where it enters.
    """
    return _ACTIVE.sub(lambda match: _escaped(ord(match[0])), text)


def clean_lines(text: str) -> list[str]:
    """The lines of `text`, each cleaned, with blanks up to the next tab stop in place of tabs."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [_expanded(line.removesuffix("\r")) for line in lines]


def hide_passwords(text: str) -> str:
    """`text` without the passwords of the URIs in it."""
    return _PASSWORD.sub(r"\1@", text)


def _expanded(line: str) -> str:
    return "\t".join(map(clean, line.split("\t"))).expandtabs() if "\t" in line else clean(line)


def _escaped(code: int) -> str:
    if code in (0x09, 0x0A, 0x0D):
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
