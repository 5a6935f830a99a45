"""The console's own colours; Textual's themes work too."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="virt-jobs",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#ffaf5f",
    foreground="#d7dae0",
    background="#12151c",
    surface="#12151c",
    panel="#1c212b",
    success="#87d787",
    warning="#ffd75f",
    error="#ff6f6f",
    dark=True,
    variables={"line-cursor": "#263445", "line-dim": "#7a8290", "line-track": "#39424f", "frame": "#3c414c"},
)
LIGHT = Theme(
    name="virt-jobs-light",
    primary="#1f6f9f",
    secondary="#4f7373",
    accent="#9a5200",
    foreground="#23272f",
    background="#fafafa",
    surface="#fafafa",
    panel="#e6e9ee",
    success="#1f7a1f",
    warning="#8a6200",
    error="#b3261e",
    dark=False,
    variables={"line-cursor": "#d3e4f1", "line-dim": "#6b7280", "line-track": "#c3c9d2", "frame": "#b4bac4"},
)
OURS = (DARK, LIGHT)
_WITH_FEW_COLOURS = {DARK.name: "ansi-dark", LIGHT.name: "ansi-light"}
"""Of 16 colours, the nearest to ours are mostly greys, on which nothing stands out; these use the 16 as they are."""


def for_colours(theme: str, system: str | None) -> str:
    """The theme to use instead of `theme` on a terminal with that system of colours, as Rich names it."""
    return _WITH_FEW_COLOURS.get(theme, theme) if system == "standard" else theme


def variables(theme: Theme) -> dict[str, str]:
    """The colours of ours that a theme does not define itself."""
    if theme.ansi:
        # The terminal's own colours, of which only these two are sure to be readable on its background.
        return {
            "line-cursor": "ansi_default",
            "line-dim": "ansi_default",
            "line-track": "ansi_default",
            "frame": "ansi_default",
            "foreground-disabled": "ansi_bright_black",
        }
    colours = theme.to_color_system().generate()
    return {
        "line-cursor": colours["primary-muted"],
        "line-dim": colours["secondary"],
        "line-track": colours["surface-lighten-2" if theme.dark else "surface-darken-2"],
        "frame": colours["panel-lighten-2" if theme.dark else "panel-darken-2"],
    }


def readable(theme: Theme, colours: dict[str, str]) -> dict[str, str]:
    """All colours of a theme, with signals that can be read as text: on a light one of Textual's they are too light."""
    if theme.dark or theme.ansi or theme in OURS:
        return colours
    return colours | {name: colours[f"text-{name}"] for name in ("success", "warning", "error", "accent")}
