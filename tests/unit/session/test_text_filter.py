"""What somebody types to see only what matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.session.text_filter import TextFilter

words = st.text("abcdé1-", min_size=1, max_size=3)
texts = st.text("abcdé1- ", max_size=12)
typed = st.text("ab!| \t", max_size=14)


def matches(typed: str, text: str) -> bool:
    return TextFilter(typed).matches_text(text.casefold())


@pytest.mark.parametrize(
    ("typed", "matched", "others"),
    [
        ("db", "db-01, DB-02", "web-01"),
        ("DB", "db-01, DB-02", "web-01"),
        ("db paused", "db-01 paused, paused db", "db-01 running, web paused"),
        ("db|web", "db-01, web-01", "mail"),
        ("db|web paused", "db paused, web paused", "db running, web running, mail paused"),
        ("db | web paused", "db paused, db running, web paused", "web running, mail paused"),
        ("web paused|db", "web paused, web db", "db running, web running"),
        ("db |web", "db-01, web-01", "mail"),
        ("db| web", "db-01, web-01", "mail"),
        ("!db", "web-01", "db-01"),
        ("!db !web", "mail", "db-01, web-01"),
        ("paused !db", "web paused", "db paused, web running"),
        ("!db paused", "web paused", "db paused, web running"),
        ("! db paused", "db running, web paused, mail", "db paused"),
        ("! db | web", "mail", "db-01, web-01"),
        ("!db|web", "mail, web db, web", "db-01"),
        ("a!b|c", "a!b, c", "a, b"),
        ("straße", "STRASSE", "strase"),
    ],
)  # fmt: skip
def test_what_matches(typed: str, matched: str, others: str) -> None:
    assert [text for text in matched.split(", ") if not matches(typed, text)] == []
    assert [text for text in others.split(", ") if matches(typed, text)] == []


@pytest.mark.parametrize("typed", ["", " ", "!", "! ", "|", " | ", "!|!", "! | ", "||", "! !"])
def test_without_a_word_everything_matches(typed: str) -> None:
    assert not TextFilter(typed)
    assert matches(typed, "anything") and matches(typed, "")


@pytest.mark.parametrize(
    ("typed", "means"),
    [("db|", "db"), ("db |", "db"), ("|db", "db"), ("db !", "db"), ("db||web", "db|web"), ("db | | web", "db | web")],
)
def test_what_is_incomplete_does_not_count(typed: str, means: str) -> None:
    for text in ("db", "web", "mail", ""):
        assert matches(typed, text) == matches(means, text)


@given(st.lists(words, min_size=1, max_size=4), texts)
def test_all_words_must_match(some: list[str], text: str) -> None:
    assert matches(" ".join(some), text) == all(matches(word, text) for word in some)


@given(st.lists(words, min_size=1, max_size=4), texts)
def test_one_alternative_is_enough(some: list[str], text: str) -> None:
    either = any(matches(word, text) for word in some)
    assert matches("|".join(some), text) == matches(" | ".join(some), text) == either


@given(words, texts)
def test_an_excluded_word_is_the_opposite_of_the_word(word: str, text: str) -> None:
    assert matches(f"!{word}", text) != matches(word, text)


@given(words, words, texts)
def test_excluded_words_are_excluded_each(one: str, other: str, text: str) -> None:
    assert matches(f"!{one} !{other}", text) != matches(f"{one}|{other}", text)


@given(typed.filter(TextFilter), texts)
def test_an_exclamation_mark_of_its_own_inverts_the_rest(some: str, text: str) -> None:
    inverted = TextFilter(some).text.startswith("! ") or TextFilter(some).text.startswith("!\t")
    if not inverted:
        assert matches(f"! {some}", text) != matches(some, text)


@given(typed, texts)
def test_whatever_is_typed_it_has_a_meaning_and_space_around_it_none(some: str, text: str) -> None:
    assert matches(f"  {some}\t", text) == matches(some, text)
