"""Numbers in text, and the verdicts that read them."""

from fractions import Fraction

import numpy as np
import pytest
from scored import made, written

from rewardlab.rules.numbers import last_number, marked_number, number
from rewardlab.scorers.verdicts import exact, gsm8k, likeness
from rewardlab.scorers.verdicts import last_number as last

LAST = {
    "7 + 5 = 12.": 12,
    "5-3": 3,
    "it is -3": -3,
    "x=-3": -3,
    "(5)-3": 3,
    "$1,200.50!": Fraction(2401, 2),
    "3.": 3,
    "1, 2": 2,
    "about .5": Fraction(1, 2),
    "٣": None,  # a digit to Python, and no number here
    "none": None,
    "": None,
    "9" * 10_000: None,
}


@pytest.mark.parametrize("text", LAST, ids=range(len(LAST)))
def test_the_last_number(text):
    assert last_number(text) == LAST[text]


def test_a_number_is_the_whole_text():
    assert number(" 1,000 ") == 1000 and number("-$2") == -2
    assert number("5 apples") is number("") is number("1e3") is None


def test_the_number_behind_the_last_mark():
    assert marked_number("2\n#### 1\n#### $1,234.") == 1234
    assert marked_number("#### five 5") is marked_number("5") is None
    assert marked_number("####-7") == -7


@pytest.mark.parametrize(
    ("maker", "texts", "truth", "wanted"),
    [
        (exact("truth"), [" 41\n", "41.", "4"], "41", [1, 0, 0]),
        (exact("truth", tag="a"), ["<a>1</a><a> 2 </a>", "2"], "2", [1, 0]),
        (exact("truth"), ["-5", "5"], -5, [1, 0]),
        (last("truth"), ["7 + 5 = 12.", "12 = 7 + 5", "no"], "12.0", [1, 0, 0]),
        (gsm8k("truth"), ["5\n#### 5", "5", "#### 6"], "3+2\n#### 5", [1, 0, 0]),
        (gsm8k("truth"), ["#### 5,000", "####"], 5000, [1, 0]),
    ],
)
def test_verdicts(maker, texts, truth, wanted):
    found = made(maker, written(texts), truth=[truth])
    np.testing.assert_array_equal(found["correct"], wanted)
    assert found["correct_valid"].all() and not found["correct_error"].any()


def test_a_truth_that_is_no_number_is_an_error_and_no_zero():
    found = made(last("truth"), written(["5"]), truth=["five"])
    assert found["correct_error"].all() and not found["correct_valid"].any()


def test_two_verdicts_have_two_names():
    maker = exact("truth", signal="strict")
    found = made(maker, written(["5"]), truth=["5"])
    assert found["strict"] == [1] and maker(None).name == "exact_strict"


def test_likeness_is_the_share_of_matching_characters():
    """2 * 5 / 12 for five of six letters in place; long texts count like short ones."""
    found = made(
        likeness("truth"), written(["elttik", "", "elttek\n"]), truth=["elttek"]
    )
    np.testing.assert_allclose(found["likeness"], [10 / 12, 0, 1])
    long = "the quick brown fox " * 20
    tagged = [f"<t>{long}</t>", long]
    found = made(likeness("truth", tag="t"), written(tagged), truth=[long])
    np.testing.assert_allclose(found["likeness"], [1, 0])
