"""What a text reward may answer: numbers of every type, at once or when they come."""

import asyncio
from decimal import Decimal
from fractions import Fraction
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from test_text_rewards import asked
from test_text_rewards import said as said


class Half:
    """What becomes a number by itself, as a tensor of another library does."""

    def __float__(self):
        return 0.5


NUMBERS = [
    [True, np.float32(0.5), np.bool_(False), 2],
    [np.bool_(True), np.array(0.5), np.int8(0), jnp.asarray(2)],
    jnp.array([1, 0.5, 0, 2]),
    jnp.array([1, 0.5, 0, 2], jnp.bfloat16),
    list(jnp.array([1, 0.5, 0, 2])),
    np.array([1, 0.5, 0, 2], jnp.bfloat16),
    np.array([1, 0.5, 0, 2], np.float16),
    np.array([1, 0.5, 0, 2], object),
    (1, Fraction(1, 2), Decimal(0), Decimal("2")),
    [1, Half(), 0, 2],
    (x for x in (1, 0.5, 0, 2)),
]


@pytest.mark.parametrize("given", NUMBERS)
def test_whatever_is_a_number_is_one(given):
    signals, _ = asked(lambda **_: given)
    assert signals["judge"].tolist() == [1, 0.5, 0, 2]
    assert signals["judge_valid"].all()
    assert signals["judge"].dtype == np.float32


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (1e39, "1e+39 is not a finite number of float32"),
        (-1e39, "-1e+39 is not a finite number of float32"),
        (np.float64(3.5e38), "is not a finite number of float32"),
        (10**400, "is not a finite number of float32"),
        pytest.param(10**5000, "a value is not a finite number", id="too long"),
        (Fraction(10**400), "is not a finite number of float32"),
        (Decimal("NaN"), "Decimal('NaN') is not a finite number of float32"),
        (jnp.inf, "inf is not a finite number of float32"),
        (1j, "1j is a complex, not a number"),
        (np.complex64(1), "is a complex64, not a number"),
        (jnp.array(1j), "not a number"),
        ("0.5", "'0.5' is a str, not a number"),
        (np.str_("0.5"), "is a str_, not a number"),
        (b"1", "b'1' is a bytes, not a number"),
        (np.timedelta64(1, "s"), "is a timedelta64, not a number"),
        ({}, "{} is a dict, not a number"),
        (np.ones((2,)), "an array of shape (2,) is not a number"),
        (ValueError("no"), "ValueError: no"),
    ],
)
def test_what_is_no_number_is_an_error_of_its_row(bad, says, said):
    signals, _ = asked(lambda **_: [bad, 0, 0, 1])
    assert signals["judge"].tolist() == [0, 0, 0, 1]
    assert signals["judge_error"].tolist() == [True, False, False, False]
    assert signals["judge_valid"].tolist() == [False, True, True, True]
    assert says in said[0] and "failed for 1 of 4 completions" in said[0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (0.5, "it gave a float; give a list with a value for each completion"),
        (np.float32(1), "it gave a float32; give a list"),
        (jnp.array(1.0), "give a list with a value for each completion"),
        (None, "it gave a NoneType; give a list"),
        ("1234", "it gave a str; give a list"),
        ({0: 1, 1: 1, 2: 1, 3: 1}, "it gave a dict; give a list"),
        ({1, 2, 3, 4}, "it gave a set; give a list"),
        (lambda: None, "it gave a function; give a list"),
    ],
)
def test_an_answer_without_an_order_is_named(given, says, said):
    signals, _ = asked(lambda **_: given)
    assert signals["judge_error"].all() and not signals["judge_valid"].any()
    assert says in said[0]


async def soon(**_):
    await asyncio.sleep(0)
    return [1, None, 0.5, 2]


async def one_by_one(**_):
    for x in await soon():
        yield x


class Patient:
    async def __call__(self, completions, **_):
        return await soon()


def each_alone(completions, **_):
    async def judge(n):
        if n == 0:
            raise KeyError("label")
        return (await soon())[n]

    return [judge(n) for n in range(len(completions))]


def in_a_notebook(f):
    """`f` where an event loop runs already."""

    async def cell():
        return f()

    return asyncio.run(cell())


@pytest.mark.parametrize("limit", [float("inf"), 60.0])
@pytest.mark.parametrize("run", [lambda f: f(), in_a_notebook])
@pytest.mark.parametrize("function", [soon, one_by_one, Patient(), partial(soon, a=1)])
def test_coroutines_are_awaited(function, run, limit):
    signals, _ = run(lambda: asked(function, time_limit=limit))
    assert signals["judge"].tolist() == [1, 0, 0.5, 2]
    assert signals["judge_valid"].tolist() == [True, False, True, True]
    assert not signals["judge_error"].any()


def test_each_completion_may_have_a_coroutine_of_its_own(said):
    signals, _ = asked(each_alone)
    assert signals["judge"].tolist() == [0, 0, 0.5, 2]
    assert signals["judge_valid"].tolist() == [False, False, True, True]
    assert signals["judge_error"].tolist() == [True, False, False, False]
    assert "1 of 4 completions, first because: KeyError: 'label'" in said[0]


async def never(**_):
    await asyncio.sleep(60)


def test_a_coroutine_may_be_late():
    assert asked(never, time_limit=0.3)[0]["judge_timeout"].all()


@pytest.mark.parametrize(
    "row", [np.array([1, 0.5]), jnp.array([1, 0.5]), (1, 0.5), iter([1, 0.5])]
)
def test_steps_may_be_any_sequence(row):
    answers = [row, "12", {0: 1.0}, [0.25, 1e39]]
    signals, _ = asked(lambda **_: answers, steps=2)
    assert signals["judge"].tolist() == [[1, 0.5], [0, 0], [0, 0], [0, 0]]
    assert signals["judge_error"].tolist() == [False, True, True, True]


@pytest.mark.parametrize("ends", [KeyboardInterrupt, type("End", (SystemExit,), {})])
def test_what_ends_a_run_is_no_failure_of_a_reward(ends):
    def judge(**_):
        raise ends

    with pytest.raises(ends):
        asked(judge)
