"""The private parts of Textual that the console uses, each with its reason. No other module uses any."""

from __future__ import annotations

from collections.abc import Awaitable

from textual._context import active_message_pump
from textual.app import App
from textual.dom import DOMNode
from textual.geometry import Size
from textual.message import Message
from textual.message_pump import MessagePump
from textual.scroll_view import ScrollView
from textual.widget import Widget
from textual.worker import WorkerFailed, get_current_worker


class OpenApp(App[None]):
    """An application that learns of exceptions and writes to its terminal, for which Textual has no public way."""

    def handle_failure(self, error: Exception, node: MessagePump) -> bool:
        """Deal with an exception of `node`, or of one of its workers; False: Textual is to end the application."""
        return False

    def write_to_terminal(self, sequence: str) -> None:
        """Write an escape sequence between two frames. It must neither draw nor move the cursor."""
        # The driver's own thread writes it. Writing to the file directly could split a frame.
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

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


def set_virtual_size(view: ScrollView, size: Size) -> None:
    """Set the size of what is scrolled, when the size of the view itself does not depend on it.

    Assigning `virtual_size` would lay out the whole screen again, which takes as long as ten keys.
    """
    if size != view.virtual_size:
        view.set_reactive(ScrollView.virtual_size, size)
        view._scroll_update(size)
        view.refresh()
