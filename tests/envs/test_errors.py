"""What a refusal repeats of what was given."""

from fractions import Fraction

import pytest

from routed_envs import DiamondGhostWorld, InputError
from routed_envs.errors import MOST_SHOWN, check_count, check_fraction, shown, unknown_name


def test_a_refusal_repeats_what_was_given_but_not_at_any_length():
    assert shown("a'b") == '"a\'b"'
    assert shown("x" * 20_000) == "'" + "x" * (MOST_SHOWN - 1) + "..."
    assert shown(10**5000) == "a number of more digits than Python writes"
    assert len(str(unknown_name("method", "x" * 20_000, ["routed"]))) < 300


def test_numbers_are_compared_as_they_are():
    check_fraction("share", Fraction(1, 3), "share")
    for huge in (10**400, -(10**400), 10**5000, float("nan")):
        with pytest.raises(InputError, match="Give a number from 0 to 1"):
            DiamondGhostWorld(oversight=huge)


def test_counts_are_whole_and_at_least_one():
    check_count("window", 1)
    for given in (0, 2.5, "3"):
        with pytest.raises(InputError, match="give a whole number of at least 1"):
            check_count("window", given)
