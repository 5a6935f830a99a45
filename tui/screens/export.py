"""The question where to write what is shown."""

from __future__ import annotations

import time
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from backend.errors import BackendError, FileExists
from backend.log import backend_error
from backend.text import clean
from backend.threads import in_thread
from tui.commands.commands import Back, Write
from tui.commands.offering import OfferingScreen, heading
from tui.screens.confirm import ConfirmScreen
from tui.session.export import Export, suggested_path, write
from tui.widgets.key_bar import KeyBar

HINT = "A name that ends with .csv or .json gets plain values, any other the text as it is shown."


class ExportScreen(OfferingScreen[None], ModalScreen[None]):
    """Writes it in a thread, and asks before a file is overwritten."""

    OFFERS = (Write, Back)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, export: Export) -> None:
        super().__init__()
        self._export = export
        self._path = Input(placeholder="path of the file", id="path", compact=True)
        self._path.cursor_blink = False
        self._state = Static(HINT, markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="export") as panel:
            panel.border_title = heading("Export", self._export.what)
            yield self._path
            yield self._state
        yield KeyBar()

    def on_mount(self) -> None:
        self._path.focus()
        self._suggest()

    @work
    async def _suggest(self) -> None:
        try:
            path = await in_thread(partial(suggested_path, self._export, time.time()), "export folder")
        except (BackendError, OSError) as error:
            self._refuse(backend_error(error).message)
            return
        if not self._path.value:
            self._path.value = path

    @on(Input.Changed)
    def _changed(self) -> None:
        self._state.update(Content.styled(HINT, "$foreground-muted"))

    @on(Input.Submitted)
    @on(Write)
    def _start(self) -> None:
        path = self._path.value.strip()
        if path:
            self._write(path)
        else:
            self._refuse("enter a path")

    @work(group="write", exclusive=True)
    async def _write(self, path: str, overwrite: bool = False) -> None:
        self._state.update(Content.styled("writing …", "$foreground-muted"))
        try:
            await in_thread(partial(write, self._export, path, overwrite), "export")
        except FileExists as exists:
            self._refuse(exists.message)
            self._ask(path)
        except Exception as error:
            self._refuse(backend_error(error).message)
        else:
            self.notify(f"{self._export.what} written to {clean(path)}", markup=False)
            self.leave(None)

    def _ask(self, path: str) -> None:
        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self._write(path, overwrite=True)

        self.open(ConfirmScreen("Export", f"{clean(path)} exists.\nReplace it?", "Replace"), answered)

    def _refuse(self, why: str) -> None:
        self._state.update(Content.styled(why, "bold $error"))

    @on(Back)
    def _back(self) -> None:
        self.leave(None)
