"""Several hosts in one console: how each is doing, and hosts that come and go."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

import pytest
from textual.worker import WorkerState

from backend.records.journal import Journal
from tests.simulator_hold import Hold
from tests.tui.console import console, dumping
from tests.tui.test_marks import open_form
from tui.config.values import Config, Connection, load
from tui.screens.hosts import HostsScreen
from tui.screens.main import MainScreen
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.details_pane import DetailsPane

A, B = "sim:///a?domains=2&jobs=0&memory=64", "sim:///b?domains=3&jobs=0&memory=64"


def named(**connections: str) -> Config:
    """A config with these URIs by their aliases."""
    return Config(connections=MappingProxyType({alias: Connection(uri) for alias, uri in connections.items()}))


def uris(config: Config) -> list[str]:
    return [connection.uri for connection in config.connections.values()]


LAB = Config(
    connections=MappingProxyType({"first": Connection(A), "second": Connection(B, readonly=True)}),
    groups=MappingProxyType({"both": ("first", "second")}),
)


async def test_the_same_name_on_two_hosts_is_two_domains() -> None:
    async with console(A, B, config=LAB) as user:
        await user.sees("5 domains", "vm-01        first", "vm-01        second", "vm-03        second")


async def test_each_host_has_its_line() -> None:
    async with console(A, B, config=LAB, size=(140, 36)) as user:
        await user.sees("5 domains")
        await user.press("H")
        await user.sees("Hosts · 2", f"uri        {A}")
        for name, domains in {"▌ first SIMULATED": 2, "second read-only SIMULATED": 3}.items():
            whole = rf"{name} +● connected +simulator +{domains} +0 +[0-9.]+ ms +[0-9]+ "
            await user.until(lambda whole=whole: re.search(whole, user.screen) is not None, whole)
        await user.press("j")
        await user.sees("▌ second", f"{B} (read-only)")


async def test_what_changes_before_they_are_shown_is_shown_with_them() -> None:
    async with console(A, B, config=LAB, size=(140, 36)) as user:
        await user.sees("5 domains")
        main = user.app.screen
        assert isinstance(main, MainScreen)
        main._hosts.show()
        assert isinstance(user.app.screen, HostsScreen)
        main.hosts_changed()
        await user.sees("Hosts · 2", f"uri        {A}")


async def test_they_fit_on_a_small_screen() -> None:
    async with console(A, B, config=LAB, size=(80, 24)) as user:
        await user.sees("5 domains")
        await user.press("H", "plus")
        await user.sees("Latency", "Calls/s", "▌ first", "● connected", "Enter adds it")


async def test_a_group_is_added_as_far_as_it_is_not_here() -> None:
    async with console(A, config=LAB) as user:
        await user.sees("2 domains")
        assert "Host" not in user.screen
        await user.press("H", "plus")
        await user.type("both")
        await user.press("enter")
        await user.sees("Hosts · 2", "▌ second")
        await user.press("escape")
        await user.sees("5 domains", "Host", "second added", "second connected", "vm-03        second")


async def test_what_cannot_be_added_is_refused_and_kept_for_mending() -> None:
    async with console(A, config=LAB) as user:
        await user.sees("2 domains")
        await user.press("H", "plus")
        for wrong, why in {
            "": "enter a group, an alias or a URI",
            "thrid": '"thrid" is not a URI, a group or an alias',
            "first": "first is already connected",
            "sim:///x?domains=many": "domains=many must be an integer",
            "http://[": "invalid URI",
        }.items():
            await user.press("ctrl+u")
            await user.type(wrong)
            await user.press("enter")
            await user.sees(why)
        await user.sees("http://[", "Hosts · 1")
        await user.press("escape")
        await user.sees_no("invalid URI")
        await user.press("escape")
        await user.sees_no("Hosts · 1")


async def test_a_dropped_host_is_gone_and_its_jobs_go_on(tmp_path: Path) -> None:
    config = named(first=A, second=B)
    async with console(*uris(config), config=config) as user, dumping(uris(config)[0], "vm-02", tmp_path / "core"):
        await user.sees("5 domains", "1 job")
        await user.press("H", "x")
        await user.sees("Hosts · 1", "first disconnected; its job continues")
        await user.press("escape")
        await user.sees("3 domains", "0 jobs")
        await user.sees_no("Host ")


async def test_dropping_the_last_host_leaves_a_way_back() -> None:
    async with console(A) as user:
        await user.sees("2 domains")
        await user.press("H", "x")
        await user.sees("no host", "0 domains")
        await user.press("x", "plus")
        await user.type(B)
        await user.press("enter")
        await user.sees("3 domains")


@pytest.mark.process
async def test_what_is_queued_for_a_host_is_asked_about(tmp_path: Path) -> None:
    config = named(many="sim:///many?domains=3&jobs=0&memory=64", second=B)
    async with Hold(uris(config)[0]), console(*uris(config), config=config) as user:
        await user.sees("6 domains")
        await user.press("slash")
        await user.type("many")
        await user.press("enter", "asterisk")
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("1 queued")
        await user.press("escape", "H", "x")
        await user.sees("Disconnect from many?", "A queued dump will be cancelled. Running jobs continue.")
        await user.press("n")
        await user.sees("Hosts · 2")
        await user.press("x", "y")
        await user.sees("Hosts · 1", "many disconnected; its 2 jobs continue")
        assert len(Journal().pending()) == 2


async def test_what_is_read_of_a_domain_may_come_to_nothing_as_its_host_is_gone() -> None:
    async with console(A, B, config=LAB) as user:
        await user.sees("5 domains")
        pane = user.app.screen.query_one(DetailsPane)
        host, row = pane._host, pane._row
        assert host is not None and row is not None
        await user.press("H", "x")
        await user.sees("Hosts · 1")
        reading = pane._read(host, row)
        await reading.wait()
        assert reading.state is WorkerState.SUCCESS


async def test_a_long_entry_of_the_activity_keeps_its_words_apart() -> None:
    async with console(A, config=LAB, size=(60, 36)) as user:
        await user.sees("first connected")
        words = [f"word{number:02}" for number in range(16)]
        user.app.screen.query_one(ActivityPane).activity.say("first", " ".join(words))
        await user.sees("word15")
        assert set(words) <= set(user.screen.replace("│", " ").split())


@pytest.mark.binding
async def test_hosts_are_called_by_their_names_which_get_longer_where_they_must() -> None:
    async with console("qemu+ssh://hv7.example.invalid/system", A, size=(160, 50)) as user:
        await user.sees("hv7 ✗", "sim:///a ● SIMULATED", "vm-01        sim:///a ")
        await user.press("H", "plus")
        await user.type("qemu+ssh://hv7.other.invalid/system")
        await user.press("enter")
        await user.sees("hv7.example.invalid ✗", "▌ hv7.other.invalid")
        await user.press("x")
        await user.sees("hv7 ✗", "Hosts · 2")


async def test_rows_follow_the_name_of_their_host() -> None:
    config = Config(connections=MappingProxyType({"two": Connection(B)}))
    other = A.replace("domains=2", "domains=1")
    async with console(A, B, config=config) as user:
        await user.sees("vm-01        sim:///a ", "vm-01        two sim")
        await user.press("H", "plus")
        await user.type(other)
        await user.press("enter")
        await user.sees("Hosts · 3")
        await user.press("escape")
        await user.sees("sim:///a?d…&memory=64")


async def test_a_long_name_is_shortened_in_its_middle() -> None:
    name = "a-hypervisor-in-the-basement-of-the-building-07"
    config = named(**{name: A, "second": B})
    async with console(A, B, config=config, size=(80, 24)) as user:
        whole = r" a-hyp\S*…\S*ng-07 sim "
        await user.until(lambda: re.search(whole, user.screen) is not None, whole)


async def test_a_host_that_is_added_lasts_for_the_session_unless_it_is_saved(tmp_path: Path) -> None:
    config = load()
    async with console(A, config=config, size=(100, 30)) as user:
        await user.sees("2 domains")
        await user.press("H", "s")
        await user.sees("no host was added that is not saved")
        await user.press("plus")
        await user.type(B)
        await user.press("enter")
        await user.reads("added: lasts for this session; s saves", "added      for this session; s saves it")
        await user.press("s")
        await user.reads("sim:///b saved: a start without -c connects there, too")
        await user.sees_no("for this session; s saves it")
        saved = load()
        assert (saved.connect, saved.connections["b"]) == (("b",), Connection(B))


async def test_what_cannot_be_saved_is_said_in_a_line_and_lasts_for_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = load()
    async with console(A, config=config, size=(100, 30)) as user:
        await user.sees("2 domains")
        await user.press("H", "plus")
        await user.type(B)
        await user.press("enter")
        await user.sees("Hosts · 2")
        config.source.path.parent.mkdir(parents=True)
        config.source.path.write_text("refresh = 99\n")
        await user.press("s")
        await user.reads("refresh: must be a number from 0.1 to 4")
        await user.sees("added      for this session; s saves it")


async def test_the_info_of_a_domain_has_the_whole_uri() -> None:
    async with console(A, size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        await user.press("3")
        await user.reads(f"sim:///a ({A})")


async def test_an_alias_of_libvirt_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "libvirt.conf"
    file.write_text(f'uri_aliases = ["lab={A}"]\n')
    monkeypatch.setattr("backend.libvirt.connection.conf.path", lambda: str(file))
    async with console(A, B, size=(160, 50)) as user:
        await user.sees("lab ● SIMULATED", "vm-01        lab sim ")
