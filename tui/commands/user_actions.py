"""The actions from the user's config, as commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding

from tui.commands.commands import Command
from tui.config.keys import action_id
from tui.config.values import Action


class UserAction(Command):
    """One of them; each has a class of its own, made by `commands`."""

    action: ClassVar[Action]
    index: ClassVar[int]
    in_footer = False

    @classmethod
    def id(cls) -> str:
        return action_id(cls.index)

    @classmethod
    def help(cls) -> str:
        about = {"domain": "domains", "job": "jobs", "host": "the host"}[cls.action.target]
        return f"{cls.action.name} (your own action, for {about})"

    @classmethod
    def binding(cls) -> Binding:
        return Binding(cls.action.key, f"command({cls.id()!r})", cls.label, show=False, id=cls.id(), tooltip=cls.help())


def commands(actions: Sequence[Action]) -> tuple[type[UserAction], ...]:
    """A command for each action."""
    return tuple(_command(index, action) for index, action in enumerate(actions))


def _command(index: int, action: Action) -> type[UserAction]:
    values = {
        "label": action.name,
        "of_domains": action.target == "domain",
        "of_jobs": action.target == "job",
        "action": action,
        "index": index,
    }
    return type(f"Action{index + 1}", (UserAction,), values)
