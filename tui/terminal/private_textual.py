"""The private parts of Textual that the console uses, each with its reason. No other module uses any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from rich.console import COLOR_SYSTEMS, RenderableType
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._context import active_message_pump
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget
from textual.worker import WorkerFailed, get_current_worker

from tui.terminal.answers import Answers
from tui.terminal.frames import Frames, Span
from tui.terminal.pacing import QUESTION
from tui.terminal.stopping import in_foreground, stop, stop_until_foreground
from tui.terminal.writer import Writer

ANSWER_DEADLINE = 1.0
"""Seconds for answers of the terminal that are on their way when it is given back."""


def pass_on(key: events.Key, widget: Widget) -> None:
    """Give the key to that widget, as if it had had the focus when the key was pressed.

    Textual handles what is typed at once, and bindings, such as that of Tab, when they have bubbled up: by then, the
    keys after them have gone to the widget that had the focus before.
    """
    widget._forward_event(events.Key(key.key, key.character))


class PacedDriver(LinuxDriver):
    """Writes without ever blocking, and tells its application when the terminal is ready for more."""

    _app: OpenApp
    _writer: Writer | None = None
    _left = False
    """Whether the terminal belongs to another program, or is restored."""
    _pausing = False

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._answers = Answers()

    @property
    def busy(self) -> bool:
        """Whether the kernel has not taken everything yet."""
        return self._writer is not None and self._writer.busy

    def write(self, data: str) -> None:
        if self._left:
            return
        # By default, the 31st write blocks the event loop.
        if self._writer is None:
            assert self._file is not None
            self._writer = Writer(self._file, lambda: self._tell(self._app.frames.send))
            self._writer.start()
        self._answers.ask(data.count(QUESTION))
        self._writer.write(data)

    def start_application_mode(self) -> None:
        self._left = False
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._app.frames.begin()
        self.write(QUESTION)

    def stop_application_mode(self) -> None:
        self._app.frames.close()
        # Whoever reads the terminal next would take late answers for keys.
        self._answers.wait(ANSWER_DEADLINE)
        super().stop_application_mode()

    def _sigtstp_application(self, *_: object) -> None:
        # By default SIGSTOP follows, which stops for good where no shell could continue it.
        if self._auto_restart:
            self._pause(lambda: stop_until_foreground(self.fileno))
        else:
            stop()  # Another program has the terminal.

    def stop_group(self) -> None:
        """Give the terminal back and stop, with what was started together with this process, until continued."""
        # Those must not stop any earlier: the shell would take over a terminal that is not given back yet.
        self._pause(lambda: stop_until_foreground(self.fileno, group=True))

    def _sigcont_application(self, *_: object) -> None:
        # By default, a second thread would read the keys after a SIGSTOP, which nothing sees coming.
        if self._auto_restart and not self._pausing:
            self._pause(lambda: None if in_foreground(self.fileno) else stop_until_foreground(self.fileno))

    def _pause(self, until_continued: Callable[[], None]) -> None:
        """Give the terminal back, stop, and take it over again, whatever has been written to it meanwhile."""
        self._pausing = True
        try:
            self.suspend_application_mode()
            until_continued()
            self.resume_application_mode()
        finally:
            self._pausing = False

    def resume_application_mode(self) -> None:
        super().resume_application_mode()
        self._app.call_later(self._app.redraw)

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.CursorPosition):
            self._answers.arrive()
            self._tell(self._app.frames.answered)
        else:
            super().process_message(message)

    def close(self) -> None:
        super().close()
        self._left = True
        if self._writer is not None:
            self._writer.stop()
            self._writer = None

    def _tell(self, report: Callable[[], None]) -> None:
        """Call it in the event loop, from another thread."""
        with suppress(RuntimeError):  # The loop is closed.
            self._loop.call_soon_threadsafe(report)


class OpenApp(App[None]):
    """An application that learns of exceptions, and paces what it writes to its terminal, for which Textual has no
    public way."""

    def __init__(self) -> None:
        super().__init__(driver_class=PacedDriver)
        system = self.console.color_system
        self._screens = WeakKeyDictionary[events.Key, Screen[Any]]()
        """The screen that was shown when each key came."""
        self.frames = Frames(COLOR_SYSTEMS[system] if system else None, lambda: self._sync_available, self.show_slow)

    def show_slow(self, slow: bool) -> None:
        """The terminal takes less than there may be to show, or does not any more."""

    def handle_failure(self, error: Exception, node: MessagePump) -> bool:
        """Deal with an exception of `node`, or of one of its workers; False: Textual is to end the application."""
        return False

    def key_unused(self, key: str) -> None:
        """A key has no effect on the screen that is shown, and is no character for what has the focus."""

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._screens[event] = self.screen
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        # It has passed through the queues of widgets, and the screen that it was meant for may have been closed.
        if self._screens.get(event, self.screen) is not self.screen:
            event.prevent_default()

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        # By default, a key passes through the queues of all widgets around the focus before its binding is looked for:
        # one that has priority, or moves the focus, would overtake it. Only what may be text has to go that way.
        used = await super()._check_bindings(key, priority)
        if not used and priority and not self._typing:
            used = await super()._check_bindings(key)
        if not used and not priority:
            self.key_unused(key)
        return used

    @property
    def _typing(self) -> bool:
        focused = self.focused
        return focused is not None and focused.check_consume_key("a", "a")

    def copy_to_clipboard(self, text: str, what: str = "the selection", note: str = "") -> None:
        # By default, it is sent to the terminal, and nothing is said.
        self._clipboard = text
        self.deliver(text, what, note)

    def deliver(self, text: str, what: str, note: str) -> object:
        """Put `text` where other programs get it from, and say so, with the note."""

    def redraw(self) -> None:
        """Draw everything again: something else has written to the terminal."""
        self.frames.redraw()
        self.screen.refresh()

    def action_suspend_process(self) -> None:
        # By default, only this process is stopped, and what has started it waits for it in the foreground.
        if isinstance(self._driver, PacedDriver):
            self._driver.stop_group()

    def write_to_terminal(self, sequence: str) -> None:
        """Write an escape sequence between two frames. It must neither draw nor move the cursor."""
        # The driver's own thread writes it. Writing to the file directly could split a frame.
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        # By default, whole spans are written, whether or not the terminal is ready for them.
        driver = self._driver
        if not isinstance(driver, PacedDriver) or self._batch_count or not self._running or self._closed:
            super()._display(screen, renderable)
            return
        try:
            size, cursor = (self.size.width, self.size.height), screen.outer_size.clamp_offset(self.cursor_position)
            if isinstance(renderable, LayoutUpdate):
                self.frames.show(driver, size, _whole_spans(renderable), cursor)
            elif isinstance(renderable, ChopsUpdate):
                self.frames.show(driver, size, _changed_spans(renderable), cursor)
        except Exception as error:
            self._handle_exception(error)
        finally:
            self.post_display_hook()

    def _handle_exception(self, error: Exception) -> None:
        # The only place that every exception passes; by default each of them ends the application.
        cause: BaseException = error
        node = active_message_pump.get(self)
        if isinstance(error, WorkerFailed):
            cause, node = error.error, get_current_worker().node
        if not isinstance(cause, Exception) or not self.handle_failure(cause, node):
            super()._handle_exception(error)

    async def _dispatch_message(self, message: Message) -> None:
        await self._contain(super()._dispatch_message(message))

    def _register_child(self, parent: DOMNode, child: Widget, before: int | None, after: int | None) -> None:
        super()._register_child(parent, child, before, after)
        dispatch = child._dispatch_message
        # Widgets of every class must survive an exception, so each instance is wrapped.
        child._dispatch_message = lambda message: self._contain(dispatch(message))  # type: ignore[method-assign]

    async def _contain(self, dispatch: Awaitable[None]) -> None:
        # By default the application, screen or widget would never handle a message again after an exception.
        try:
            await dispatch
        except Exception as error:
            self._handle_exception(error)


def _whole_spans(update: LayoutUpdate) -> list[Span]:
    spans: list[Span] = []
    for y, strips in enumerate(update.strips, update.region.y):
        spans.append((update.region.x, y, chain.from_iterable(strips)))
    return spans


def _changed_spans(update: ChopsUpdate) -> list[Span]:
    """As ChopsUpdate.render_segments sends them."""
    spans: list[Span] = []
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x <= x2 and end > x1:
                spans.append((x, y, strip if x >= x1 and end <= x2 else strip.crop(0, min(end, x2) - x)))
    return spans


def keymap_of(app: App[Any]) -> Mapping[str, str]:
    """The keys that the user has given to bindings, by their ids: they apply to screens that are not open, too."""
    return app._keymap


def add_bindings(node: DOMNode, bindings: Iterable[Binding]) -> None:
    """Give it these as well. By public ways, all instances of a class have the same ones, and share them."""
    node._bindings = node._bindings.copy()
    for binding in Binding.make_bindings(bindings):
        by_key = node._bindings.key_to_bindings
        by_key[binding.key] = [*by_key.get(binding.key, ()), binding]


def set_virtual_size(view: ScrollView, size: Size) -> None:
    """Set the size of what is scrolled, when the size of the view itself does not depend on it.

    Assigning `virtual_size` would lay out the whole screen again, which takes as long as ten keys.
    """
    if size != view.virtual_size:
        view.set_reactive(ScrollView.virtual_size, size)
        view._scroll_update(size)
        view.refresh()
