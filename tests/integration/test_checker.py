# SPDX-License-Identifier: MIT
"""A checker that cannot fail proves nothing: each of the six figures is made
to appear by a doctored log."""

import pytest

from checker import FIGURES, judge_log
from harness import Log, digest

TRUTH = [(f"{n}-0", digest(str(n))) for n in range(1, 6)]
ACKNOWLEDGED = [(entry, n, d) for n, (entry, d) in enumerate(TRUTH)]


def log_of(numbers, gaps=()):
    log = Log("s")
    log.got = [(f"{n}-0", digest(str(n))) for n in numbers]
    log.gaps = list(gaps)
    return log


def figure_of(log, truth=TRUTH):
    figures = judge_log(truth, ACKNOWLEDGED, log)
    return {name for name in FIGURES if figures[name]}


def test_a_complete_log_has_six_zeros():
    assert figure_of(log_of([1, 2, 3, 4, 5])) == set()


def test_a_missing_entry_is_lost():
    assert figure_of(log_of([1, 2, 4, 5])) == {"lost"}


def test_an_entry_twice_is_duplicated():
    assert figure_of(log_of([1, 2, 2, 3, 4, 5])) == {"duplicated"}


def test_entries_swapped_are_reordered():
    assert figure_of(log_of([1, 3, 2, 4, 5])) == {"reordered"}


def test_other_bytes_are_altered():
    log = log_of([1, 2, 3, 4, 5])
    log.got[2] = ("3-0", digest("other"))
    assert figure_of(log) == {"altered"}


def test_a_trimmed_entry_without_a_gap_is_unannounced():
    assert figure_of(log_of([2, 3, 4, 5]), TRUTH[1:]) == {"unannounced_gaps"}


@pytest.mark.parametrize("after,through,clean", [
    ("0-0", "1-0", True), ("1-0", "1-0", False), ("0-0", "0-5", False)])
def test_a_gap_covers_exactly_its_range(after, through, clean):
    log = log_of([2, 3, 4, 5], [{"after": after, "through": through}])
    assert (figure_of(log, TRUTH[1:]) == set()) is clean
