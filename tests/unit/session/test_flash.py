"""What the flash line says, and for how long."""

from __future__ import annotations

from tui.session.activity_log import Tone
from tui.session.flash import Flash


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def texts(flash: Flash) -> list[str]:
    return [message.text for message in flash.shown]


def test_the_latest_message_replaces_the_one_before_and_disappears() -> None:
    clock = Clock()
    flash = Flash(clock)
    assert flash.seconds is None
    flash.add("copied", Tone.QUIET, 5)
    flash.add("no job to abort", Tone.WARNING, 5)
    assert texts(flash) == ["no job to abort"]
    assert flash.seconds == 5
    clock.now += 5
    assert texts(flash) == []
    assert flash.seconds is None


def test_an_error_stays_beside_what_is_said_after_it() -> None:
    clock = Clock()
    flash = Flash(clock)
    flash.add("abort failed", Tone.ERROR, 8)
    clock.now += 4
    flash.add("copied", Tone.QUIET, 2)
    assert texts(flash) == ["abort failed", "copied"]
    assert flash.seconds == 2
    clock.now += 2
    assert texts(flash) == ["abort failed"]
    clock.now += 2
    assert texts(flash) == []


def test_another_error_replaces_all() -> None:
    flash = Flash(Clock())
    flash.add("abort failed", Tone.ERROR, 8)
    flash.add("copied", Tone.QUIET, 8)
    flash.add("resume failed", Tone.ERROR, 8)
    assert texts(flash) == ["resume failed"]
