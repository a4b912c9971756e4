"""Every class of bypass and every item of the checklist that the threat page names has a test that bears its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pytest

from tests.support import ROOT

CLASSES: Final = range(1, 38)
LATER: Final[Mapping[int, str]] = {
    29: "the state of a login is bound to the browser: clients of OpenID providers",
    30: "redirect_uri matching: an authorization endpoint",
    37: "resets of forgotten passwords, and other flows",
}
"""What there is no code for yet, with where it will be."""

ITEMS: Final = {
    "jwt": 7,
    "bas": 5,
    "dig": 8,
    "key": 4,
    "pwd": 7,
    "tok": 3,
    "hdr": 6,
    "path": 4,
    "err": 3,
    "log": 2,
}
"""The areas of the checklist, and how many items each has."""

UNNUMBERED: Final = ("wsgi", "asgi")

PROMISES: Final[Mapping[str, tuple[str, ...]]] = {
    "refresh: of many at once one is issued a successor, in threads and processes": (
        "within_the_grace_all_get_one_successor",
        "without_a_grace_one_gets_a_successor_and_the_others_end_the_login",
        "parallel_refreshes_with_one_token_get_one_successor",
        "of_rotations_by_processes_at_once_one_is_rotated",
    ),
    "refresh: a replay ends the family, with its opaque access tokens": (
        "t9_a_replay_after_the_grace_ends_the_login_with_all_its_tokens",
        "a_replay_after_the_grace_ends_the_login_and_all_its_tokens",
    ),
    "refresh: the grace makes no second successor": (
        "t10_a_racing_client_gets_the_same_successor_within_the_grace",
        "4_the_previous_token_within_the_grace_gets_the_same_successor",
    ),
    "refresh: whoever dies in between leaves nothing half done": (
        "nothing_answered_is_lost_and_nothing_is_issued_twice",
        "t9_a_replay_whose_consequences_were_interrupted_is_completed_by_the_next",
        "t9_a_rotation_whose_reply_was_lost_is_no_reuse",
    ),
    "refresh: an absolute end": (
        "t11_no_refresh_moves_the_end_of_a_login",
        "3_no_rotation_lets_a_family_live_beyond_its_end",
    ),
    "refresh: bound to its client, which nobody else can burn": (
        "t8_another_client_gets_nothing_and_burns_nothing",
        "1_the_family_of_another_client_is_unknown_and_unharmed",
    ),
    "revocation: nothing is accepted after the answer, within a bound where it is followed": (
        "r5_everything_is_stored_before_the_answer",
        "whoever_looks_after_a_revocation_in_a_process_has_answered_finds_it",
        "what_was_revoked_by_another_process_is_refused_at_once",
        "what_one_process_revokes_all_refuse_within_the_bound",
    ),
    "revocation: by jti and sid, never by the text of a token": (
        "r6_a_jwt_is_revoked_by_its_jti_until_no_verifier_takes_it_any_more",
        "a_token_is_refused_by_whatever_it_was_issued_by",
    ),
    "revocation: known until the token has expired for every verifier": (
        "a_revocation_outlives_its_end_by_the_leeway_of_verifiers_and_no_longer",
    ),
    "revocation: known after a kill and after a restart": (
        "class_27_what_was_revoked_is_refused_after_a_restart",
        "nothing_answered_is_lost_and_nothing_is_issued_twice",
    ),
    "throttle: one count for all ways in and all processes": (
        "class_28_the_endpoint_and_basic_share_one_count",
        "class_28_digest_and_passwords_share_what_is_familiar",
        "of_attempts_by_processes_at_once_the_free_ones_go_ahead",
    ),
    "throttle: counted before it is checked": (
        "a_check_is_reserved_for_source_and_account_before_it_and_settled_after_it",
    ),
    "throttle: bounded memory": (
        "twenty_thousand_random_names_take_bounded_memory_and_free_nobody",
        "familiar_sources_take_bounded_memory_and_those_remembered_last_are_kept",
    ),
    "throttle: sources are told to wait": ("g11_too_many_logins_from_one_source_are_told_to_wait",),
    "throttle: a header makes no other source": ("g11_a_header_makes_no_other_source",),
    "throttle: no lock for good, and none that strangers can turn": (
        "it_never_locks_for_good",
        "ten_thousand_strangers_do_not_lock_out_a_familiar_source",
    ),
    "throttle: accounts that wait look like any other": (
        "c4_a30_every_login_that_fails_is_told_the_same",
        "an_account_without_a_free_check_is_unavailable_whether_it_exists_or_not",
    ),
    "cookies: a session that cannot be guessed, renewed by each login and refresh": (
        "g8_nothing_that_is_handed_out_can_be_guessed",
        "a_new_login_ends_the_session_that_was_in_the_cookies",
        "a_refresh_sets_both_anew_and_the_old_ones_are_used_up",
    ),
    "cookies: idle and absolute ends": (
        "the_refresh_cookie_ends_with_the_login_and_no_later",
        "t11_a_login_that_is_not_used_ends",
        "t11_no_refresh_moves_the_end_of_a_login",
    ),
    "cookies: other sites and no origin neither log in nor out": (
        "csrf_other_sites_neither_log_in_nor_refresh_nor_log_out",
        "csrf_what_may_change_something_comes_from_a_page_of_ours",
    ),
    "cookies: reading changes nothing": ("g4_only_posts_change_anything_and_no_other_origin_is_let_in",),
}
"""The areas of the checklist whose items have neither numbers nor names, with the tests of each."""


def _named() -> set[str]:
    """``class_13``, ``jwt_2`` …: whatever the names of tests begin with, several of them joined."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    areas = "|".join(["class", *ITEMS])
    names = re.findall(rf"def test_((?:(?:{areas})_[0-9]+_)+)", text)
    names += [f"{area}_" for area in UNNUMBERED if re.search(rf"def test_{area}_", text)]
    return {item for name in names for item in re.findall(r"[a-z]+_[0-9]*", name)}


NAMED: Final = {item.rstrip("_") for item in _named()}


@pytest.mark.parametrize("number", [number for number in CLASSES if number not in LATER])
def test_every_class_of_bypass_has_a_test_of_its_name(number: int) -> None:
    assert f"class_{number}" in NAMED


@pytest.mark.parametrize("number", LATER)
def test_a_class_that_is_left_for_later_has_no_test_yet(number: int) -> None:
    assert f"class_{number}" not in NAMED, "it has one now: take it out of LATER"


@pytest.mark.parametrize(
    "item", [f"{area}_{number}" for area, count in ITEMS.items() for number in range(1, count + 1)]
)
def test_every_item_of_the_checklist_has_a_test_of_its_name(item: str) -> None:
    assert item in NAMED


@pytest.mark.parametrize("area", UNNUMBERED)
def test_every_area_without_numbers_has_tests_of_its_name(area: str) -> None:
    assert area in NAMED


def _all_tests() -> frozenset[str]:
    folders = (ROOT / "tests", ROOT / "authmw" / "testing")
    text = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    return frozenset(re.findall(r"def test_(\w+)", text))


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_without_a_name_has_its_tests(promise: str) -> None:
    assert set(PROMISES[promise]) <= _all_tests()
