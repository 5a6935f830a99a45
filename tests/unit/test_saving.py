"""Hosts that are saved in the config: what a person wrote there stays."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tui.config.saving import save_hosts
from tui.config.toml_source import ConfigError
from tui.config.values import load

HV7 = "qemu+ssh://root@hv7.example.org/system"
HV8 = "qemu+ssh://root@hv8.example.org/system"

Save = Callable[..., str]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Saves hosts in a file with that text; the new text. `hosts`: names by URI."""

    def saved(text: str | None, hosts: dict[str, str] | None = None, default: tuple[str, ...] = ()) -> str:
        path = tmp_path / "virt-jobs" / "config.toml"
        if text is not None:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        save_hosts(path, {HV7: "hv7"} if hosts is None else hosts, default)
        load(str(path))
        return path.read_text()

    return saved


TABLE = f'[connections.hv7]\nuri = "{HV7}"\n'


def test_without_a_file_there_is_one_then_with_what_was_connected_to(save: Save, tmp_path: Path) -> None:
    assert save(None, default=("qemu:///system",)) == f'connect = ["qemu:///system", "hv7"]\n\n{TABLE}'
    assert stat.S_IMODE((tmp_path / "virt-jobs" / "config.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('connect = ["a:///"]\n', 'connect = ["a:///", "hv7"]\n'),
        ("connect = ['a:///',]  # mine\n", "connect = ['a:///', \"hv7\",]  # mine\n"),
        ("connect = []\n", 'connect = ["d:///", "hv7"]\n'),
        ('connect = ["x]", "#"] # ["no"]\n', 'connect = ["x]", "#", "hv7"] # ["no"]\n'),
        (
            'connect = [\n  "a:///",  # first\n  "b:///"   # "last"\n]\n',
            'connect = [\n  "a:///",  # first\n  "b:///",   # "last"\n  "hv7"\n]\n',
        ),
        ('connect = [\n\t"a:///",\n]\n', 'connect = [\n\t"a:///",\n\t"hv7",\n]\n'),
        ('connect = ["a:///",\n  "b:///"]\n', 'connect = ["a:///",\n  "b:///", "hv7"]\n'),
        ("# all mine\nrefresh = 2\n", '# all mine\nrefresh = 2\nconnect = ["d:///", "hv7"]\n'),
        (
            "# all mine\n\n# about dumps\n[dump]\nat_once = 3\n",
            '# all mine\n\nconnect = ["d:///", "hv7"]\n\n# about dumps\n[dump]\nat_once = 3\n',
        ),
        ("[dump]\nat_once = 3", 'connect = ["d:///", "hv7"]\n\n[dump]\nat_once = 3\n'),
    ],
)
def test_the_list_gets_one_more_and_all_else_stays(save: Save, before: str, after: str) -> None:
    assert save(before, default=("d:///",)) == f"{after}\n{TABLE}"


def test_one_that_has_an_alias_already_is_only_connected_to(save: Save) -> None:
    text = f'connect = ["a:///"]\n\n[connections.lab]\nuri = "{HV7}"\nreadonly = true\n'
    assert save(text) == text.replace('["a:///"]', '["a:///", "lab"]')
    assert save(text.replace("a:///", "lab")) == text.replace("a:///", "lab")


def test_names_that_are_taken_or_are_no_aliases_are_changed(save: Save) -> None:
    text = 'connect = ["a:///"]\n\n[groups]\nhv8 = ["a:///"]\n\n[connections.hv7]\nuri = "b:///"\n'
    hosts = {HV7: "hv7", HV8: "hv8", "lxc:///": "box (lxc)", "sim:///a?domains=2": "sim:///a"}
    assert save(text, hosts).startswith('connect = ["a:///", "hv7-2", "hv8-2", "box-lxc", "a"]\n')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("connections = {}\n", "cannot be changed without changing more in it; add the hosts by hand"),
        ("refresh = 99\n", "refresh: must be a number from"),
        ("connect = [\n", "not valid TOML"),
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(save: Save, tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        save(text, default=("d:///",))
    assert "\n" not in caught.value.message
    assert (tmp_path / "virt-jobs" / "config.toml").read_text() == text


def test_a_password_is_not_written(save: Save) -> None:
    with pytest.raises(ConfigError, match="vc: its URI has a password in it"):
        save("", {"esx://admin:secret@vc/": "vc"})


def test_the_mode_and_a_link_to_it_stay(save: Save, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles.toml"
    dotfiles.write_text("")
    dotfiles.chmod(0o640)
    (tmp_path / "virt-jobs").mkdir()
    path = tmp_path / "virt-jobs" / "config.toml"
    path.symlink_to(dotfiles)
    save_hosts(path, {HV7: "hv7"}, ())
    assert path.is_symlink()
    assert stat.S_IMODE(dotfiles.stat().st_mode) == 0o640
    assert load(str(dotfiles)).connect == ("hv7",)
    assert sorted(it.name for it in tmp_path.iterdir()) == ["dotfiles.toml", "virt-jobs"]


def test_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'connect = ["a:///"]\r\n')
    save_hosts(path, {HV7: "hv7"}, ())
    assert path.read_bytes().startswith(b'connect = ["a:///", "hv7"]\r\n\r\n[connections.hv7]\r\n')


@pytest.mark.parametrize("blocked", ["file", "folder"])
def test_where_it_cannot_be_written_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocked: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    if blocked == "file":
        monkeypatch.setattr(os, "access", lambda *_: False)  # Root may write to everything.
    else:
        monkeypatch.setattr("tempfile.mkstemp", lambda **_: (_ for _ in ()).throw(OSError(30, "read-only")))
    with pytest.raises(ConfigError, match=r"cannot be written: (Permission denied|Read-only file system)") as caught:
        save_hosts(path, {HV7: "hv7"}, ())
    assert "\n" not in caught.value.message
    assert path.read_text() == ""
