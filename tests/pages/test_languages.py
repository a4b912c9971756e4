"""Every language has every text, and a header of any kind gets one of them."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authmw import ConfigurationError
from authmw.pages import LANGUAGES, Counted, Texts, language_of, texts_of
from authmw.pages.languages.known import MAX_ACCEPT_LANGUAGE
from tests.support import ROOT

OTHERS = [language for language in LANGUAGES if language != "en"]
ALIKE = {
    *("tag", "direction", "first_day"),
    # Words that are the same in two languages.
    *("de.app", "de.browser", "de.lasting_minutes.one", "es.error_title", "fr.lasting_minutes.one"),
    *("fr.lasting_minutes.other", "fr.date"),
}


def strings(texts: Texts) -> dict[str, str]:
    """Each text by its name; of a text with a number both forms."""
    found: dict[str, str] = {}
    for each in fields(texts):
        value = getattr(texts, each.name)
        if isinstance(value, Counted):
            found |= {f"{each.name}.one": value.one, f"{each.name}.other": value.other}
        elif each.name == "months":
            found |= {f"{each.name}.{number}": month for number, month in enumerate(texts.months)}
        else:
            found[each.name] = value
    return found


def test_there_are_six_languages_and_a_file_for_each() -> None:
    assert LANGUAGES == ("en", "de", "fr", "es", "pt", "zh")
    files = {path.stem for path in (ROOT / "authmw" / "pages" / "languages").glob("*.py")}
    assert files - {"__init__", "texts", "known"} == {
        *("english", "german", "french", "spanish", "portuguese", "chinese"),
    }
    assert len({texts_of(language).tag for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_is_there_and_has_no_space_too_many(language: str) -> None:
    for name, text in strings(texts_of(language)).items():
        assert text.strip(), name
        assert name.endswith("_body") or text == " ".join(text.split()) or "\xa0" in text, name
    assert len(set(texts_of(language).months)) == 12


@pytest.mark.parametrize("language", OTHERS)
def test_a_text_has_the_placeholders_that_it_has_in_english(language: str) -> None:
    english, here = strings(texts_of("en")), strings(texts_of(language))
    assert here.keys() == english.keys()
    placeholders = re.compile(r"\{(\w*)\}")
    differ = [
        name for name in here if sorted(placeholders.findall(here[name])) != sorted(placeholders.findall(english[name]))
    ]
    assert differ == []
    assert all(text.count("{") == len(placeholders.findall(text)) == text.count("}") for text in here.values())


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_was_left_in_english(language: str) -> None:
    english, here = strings(texts_of("en")), strings(texts_of(language))
    same = {name for name in here if here[name] == english[name] and not name.startswith("months")}
    assert {name for name in same if name not in ALIKE and f"{language}.{name}" not in ALIKE} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_has_its_link_in_a_line_of_its_own_and_its_subject_in_one_line(language: str) -> None:
    texts = texts_of(language)
    for body in (texts.recovery_body, texts.verification_body, texts.changed_body):
        assert "\n\n{link}\n" in body
        assert body.endswith("\n")
    for subject in (texts.recovery_subject, texts.verification_subject, texts.changed_subject):
        assert "\n" not in subject


def test_a_text_of_a_language_can_be_changed() -> None:
    assert replace(texts_of("en"), log_in="Sign in").log_in == "Sign in"


def test_a_language_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(
        ConfigurationError, match="there are no texts in 'it', only in en, de, fr, es, pt, zh: write Texts"
    ):
        texts_of("it")


# Accept-Language


@pytest.mark.parametrize(
    "header, language",
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("pt-PT", "pt"),
        ("zh-TW, zh;q=0.9", "zh"),
        ("zh-Hant-x-private", "zh"),
        ("ja, ko;q=0.9", "en"),
        ("ja, es;q=0.1", "es"),
        ("*", "en"),
        ("*, fr;q=0.5", "fr"),
        ("de;q=0.2, fr;q=0.8", "fr"),
        ("de;q=0.8, fr;q=0.8", "de"),
        ("de;q=0.999, fr;q=1.000", "fr"),
        ("de ; q=0.5 , fr\t;\tq=0.6", "fr"),
        ("de;Q=0.5, fr;Q=0.6", "fr"),
        # Not wanted (RFC 9110 §12.4.2).
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=0", "en"),
        ("en;q=0", "de"),
        ("en;q=0, *", "de"),
        ("en;q=0.0, de;q=0.00, fr;q=0.000", "es"),
        ("*;q=0", "en"),
        ("en;q=0, de;q=0, fr;q=0, es;q=0, pt;q=0, zh;q=0", "en"),
        # Malformed: the part is left out, the rest counts.
        ("de;q=2, fr;q=0.1", "fr"),
        ("de;q=0.1234, fr;q=0.1", "fr"),
        ("de;q=-1, fr;q=0.1", "fr"),
        ("de;q=nan, fr;q=0.1", "fr"),
        ("de;level=1, fr;q=0.1", "fr"),
        ("de fr, es", "es"),
        ("de_AT, es", "es"),
        ("d\u0435, es", "es"),
        (",,,, de,,", "de"),
        ("\x00de, fr", "fr"),
        ("\ud800, fr", "fr"),
        ("-de, --, fr", "fr"),
    ],
)
def test_the_language_that_a_browser_asks_for(header: str | None, language: str) -> None:
    assert language_of(header) == language


@pytest.mark.parametrize(
    "header, language",
    # RFC 4647 §3.4: a single letter goes with what it introduces. A language that is not wanted is that of no region.
    [
        *(("zh-x-a", "es"), ("en;q=0, zh-x", "zh-x"), ("es;q=0", "en-GB"), ("es;q=0, en;q=0", "zh-x")),
        ("de", "es"),
        (None, "es"),
        ("en-GB", "en-GB"),
        ("en", "es"),
        ("EN-gb-oxendict", "en-GB"),
        ("nl", "es"),
    ],
)
def test_the_first_of_the_offered_languages_is_the_default(header: str | None, language: str) -> None:
    assert language_of(header, offered=["es", "en-GB", "zh-x"]) == language


def test_a_language_has_to_be_offered() -> None:
    with pytest.raises(ConfigurationError, match="has no language"):
        language_of("de", offered=[])


@given(st.text(st.characters()))
@example("de," * 100_000)
@example("a-" * 100_000)
@example("de;q=" + "0" * 100_000)
@example(" " * 100_000)
def test_any_header_gets_a_language(header: str) -> None:
    assert language_of(header) in LANGUAGES


def test_what_is_behind_the_limit_is_not_read() -> None:
    assert language_of("," * (MAX_ACCEPT_LANGUAGE - 2) + "de") == "de"
    assert language_of("," * (MAX_ACCEPT_LANGUAGE - 1) + "de") == "en"
