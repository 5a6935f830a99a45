"""What a config may say, and what is said of one that may not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config import console, dump_path, toml_text
from tui.config.path import config_path
from tui.config.toml_source import ConfigError, Source
from tui.config.values import Action, Config, Connection, parse

FILE = Path("/somewhere/config.toml")
PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


ACTION = "[[actions]]\nkey = 'f6'\nname = 'Ping'\ncommand = 'ping \"$VIRT_JOBS_HOST\"'"


def parsed(text: str) -> Config:
    """The config in `text`, as the console would take it."""
    config = parse(Source(FILE, text))
    console.check(config)
    return config


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\n\ncolour = 1", 3, "colour: unknown; the keys are actions, ascii, columns, connect"),
        ("[connections.hv1]\nuri = 'x:///y'\nclour = 'red'", 3, "connections.hv1.clour: unknown"),
        ("[connections.hv1]\ncolour = 'red'", 1, 'connections.hv1: needs uri = "…"'),
        ("[connections.hv1]\nuri = 'x:///y'\ncolour = 'blurple'", 3, "one of red, orange"),
        ("[connections.hv1]\nuri = 'x:///y'\nreadonly = 'yes'", 3, "readonly: must be true or false"),
        ("[connections.'a b']\nuri = 'x:///y'", 1, "letters, digits"),
        ("[groups]\nall = ['x:///y',\n 'hv1']", 3, "groups.all: 'hv1' is neither a URI nor an alias in [connections]"),
        ("[groups]\nall = []", 2, "groups.all: must be a list of aliases or URIs"),
        ("[groups]\nall = 'x:///y'", 2, "groups.all: must be a list of aliases or URIs"),
        ("[groups]\n'a b' = ['x:///y']", 2, "letters, digits"),
        ("[connections.a]\nuri = 'x:///y'\n[groups]\na = ['x:///z']", 4, "groups.a: is also the alias of a connection"),
        ("[groups]\na = ['x:///z']\nb = ['a']", 3, "groups.b: 'a' is neither a URI nor an alias"),
        ("connections = 3", 1, "must be a table: [connections]"),
        ("# first\nconnect = [\n  'hv1',\n  3,\n]", 2, "connect: must be a list of aliases or URIs"),
        ("connect = 'hv1'", 1, "connect: must be a list"),
        ("refresh = 5", 1, "from 0.1 to 4"),
        ("refresh = true", 1, "from 0.1 to 4"),
        ("refresh = nan", 1, "from 0.1 to 4"),
        ("ascii = 'maybe'", 1, 'true, false or "auto"'),
        ("columns = 'state'", 1, "columns: must be a list of columns: name, host, id, state"),
        ("theme = 'nord'\ncolumns = ['state', 'sate']", 2, "columns: must be a list of columns: name, host"),
        ("theme = 'no such'", 1, "virt-jobs-light"),
        ("[dump]\nat_once = 0", 2, "at_once: must be an integer from 1 to 99"),
        ("[dump]\nat_once = true", 2, "an integer"),
        ("[dump]\nformat = 'vmcore'", 2, "one of elf, kdump-zlib"),
        ("[dump]\nformat = ['elf']", 2, "one of elf, kdump-zlib"),
        ("[dump]\npath = 'dumps/{domain}'", 2, "absolute path"),
        ("[dump]\npath = '/dumps/{host}'", 2, "{folder}, {domain}, {time}, {format}"),
        ("[dump]\npath = '/dumps/{domain'", 2, "{folder}, {domain}, {time}, {format}"),
        ("[dump]\npath = '/dumps/'", 2, "absolute path of a file"),
        ("[notifications]\nosc = 9", 2, "one of 9, 777, off"),
        ("[notifications]\nbell = 1", 2, "true or false"),
        ("[keymap]\ndump = 'd'\ndmup = 'D'", 3, "keymap.dmup: unknown; the ids are abort"),
        ("[keymap]\n\ncursor.down = 'crtl+n'", 3, "keymap.cursor.down: there is no key 'crtl+n'"),
        ('[keymap]\n"cursor.down" = 3', 2, "keymap.cursor.down: must be a key"),
        ("[keymap]\ndump = 'w'", 2, "keymap.dump: w is already the key of wait"),
        ("[keymap]\nfilter = '?'", 2, "keymap.filter: question_mark is already the key of help"),
        ("theme = 'nord'\n[actions]\nkey = 'f6'", 2, "actions: must be tables: [[actions]]"),
        ("[[actions]]\nkey = 'f6'\nname = 'x'", 1, "actions: needs command"),
        ("[[actions]]\nname = 'x'", 1, "actions: needs key and command"),
        (f"{ACTION}\n[[actions]]\nkey = 'f7'\nname = ''\ncommand = 'x'", 7, "actions.name: must be a string in quotes"),
        (f"{ACTION}\n[[actions]]\nkey = 'f6'\nname = 'x'\ncommand = 'x'", 6, "f6 is already the key of another action"),
        (ACTION.replace("'Ping'", '"a\\u001bb"'), 3, "actions.name: must be one line without control characters"),
        (f"{ACTION}\nwhere = 'window'", 5, "actions.where: must be one of background, terminal"),
        (f"{ACTION}\ntarget = 'disk'", 5, "actions.target: must be one of domain, job, host"),
        (f"{ACTION}\nconfirm = 1", 5, "actions.confirm: must be true or false"),
        (f"{ACTION}\ncolour = 1", 5, "actions.colour: unknown; the keys are command, confirm"),
        (ACTION.replace("f6", "d"), 2, "actions.key: d is already the key of dump"),
        (ACTION.replace("f6", "crtl+n"), 2, "actions.key: there is no key 'crtl+n'"),
        (ACTION.replace("f6", "f6,f7"), 2, "actions.key: must be a single key"),
        (ACTION.replace("f6", "ctrl+q"), 2, "actions.key: ctrl+q has one meaning on every screen"),
        (f"{ACTION}\n[keymap]\nwait = 'f6'", 2, "actions.key: f6 is already the key of wait"),
        ("mouse = 'off'", 1, "mouse: must be true or false"),
        ("theme = ", 1, "not valid TOML"),
        ("a = 1\nb = [\n", 3, "not valid TOML"),
        ("theme = 'a'\ntheme = 'b'", 2, "not valid TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parsed(text)
    message = refused.value.message
    assert message.startswith(f"{FILE}:{line}: ")
    assert words in message
    assert message.isprintable()
    assert refused.value.exit_code == 2


def test_a_hostile_key_cannot_act_on_the_terminal() -> None:
    with pytest.raises(ConfigError) as refused:
        parsed('"\\u001b]0;x\\u0007" = 1')
    assert refused.value.message.isprintable()


def test_the_example_on_the_page_is_a_config() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    config = parsed(example)
    # It shows every key there is.
    shown, known = config.values(), Config().values()
    assert shown.keys() == known.keys()
    for key in known:
        assert re.search(rf"^(\[+{key}\b|{key} =)", example, re.MULTILINE), key
    assert config.connections
    assert config.keymap


def test_nothing_in_the_file_is_the_defaults() -> None:
    assert parsed("") == Config()


def test_keys_swapped_are_no_conflict() -> None:
    assert parsed("[keymap]\ndump = 'w'\nwait = 'd'").keymap == {"dump": "w", "wait": "d"}


def test_actions_have_defaults_and_may_use_a_key_that_a_keymap_has_freed() -> None:
    [action] = parsed(ACTION).actions
    assert action == Action("f6", "Ping", 'ping "$VIRT_JOBS_HOST"', "domain", "background", False)
    freed = parsed(f"{ACTION.replace('f6', 'd')}\n[keymap]\ndump = 'D'")
    assert freed.custom_keys == {"dump": "D", "action-1": "d"}


def test_actions_are_written_as_they_can_be_read() -> None:
    config = parsed(f"{ACTION}\nconfirm = true\n[[actions]]\nkey = 'f7'\nname = '[x]'\ncommand = \"a\\\\nb\"")
    assert parsed(toml_text.written(config.values())).actions == config.actions
    assert parsed(toml_text.written(Config().values())).actions == ()


def test_a_dotted_id_may_be_quoted_or_not() -> None:
    assert parsed("[keymap]\ncursor.down = 'n'").keymap == parsed("[keymap]\n'cursor.down' = 'n'").keymap


def test_a_connection_is_known_by_its_alias_and_by_its_uri() -> None:
    config = parsed("[connections.hv1]\nuri = 'x:///y'\nreadonly = true")
    assert config.connection("hv1") == config.connection("x:///y") == Connection("x:///y", readonly=True)
    assert config.connection("x:///z") == Connection("x:///z")


def test_a_group_stands_for_its_members_each_once() -> None:
    config = parsed("[connections.hv1]\nuri = 'x:///y'\n[groups]\nall = ['hv1', 'x:///z']\nsome = ['x:///y']")
    assert config.uris(["some", "all", "x:///a", "hv1"]) == ("x:///y", "x:///z", "x:///a")


texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(-999, 999), st.lists(texts)),
    lambda values: st.dictionaries(texts, values, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, plain, max_size=4))
def test_what_is_written_is_read_back(values: dict[str, object]) -> None:
    text = toml_text.written(values)
    assert text.isascii()
    assert tomllib.loads(text) == values


@given(texts)
def test_a_domain_is_one_harmless_part_of_a_path(name: str) -> None:
    path = dump_path.filled("/dumps/{domain}", "/usual", name, "elf", 0)
    assert Path(path).parent == Path("/dumps")
    assert path.count("/") == 2
    assert not path.endswith(("/.", "/..", "/"))
    assert path.isprintable()


def test_a_template_is_filled() -> None:
    path = dump_path.filled("{folder}/a/{domain}-{time}.{format}", "/usual", "web {time} ../1", "raw", 0)
    assert re.fullmatch(r"/usual/a/web_time_\.\._1-\d{8}-\d{6}\.raw", path)


def test_it_is_where_such_files_are() -> None:
    assert Path(config_path()) == Path(platformdirs.user_config_dir("virt-jobs")) / "config.toml"
