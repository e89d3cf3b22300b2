"""Arithmetic as text: Python's grammar of its signs, of any length."""

import pytest

from rewardlab.rules import expression


@pytest.mark.parametrize(
    "text",
    [
        *("-2**2", "2**-1", "2**3**2", "-2*3", "2--3", "+-+2", "2**-2**2", "8/4/2"),
        *(
            "7-3-2",
            "2*(3+4)*5",
            "((1))",
            ".5",
            "5.",
            "1_000",
            "1e-3*2E2",
            " 1 + 2 ",
        ),
        *("2**-1*3", "(-2)**2", "-(2+3)", "1+\t2", "00012.5"),
    ],
)
def test_as_python_does(text):
    """`eval` is the oracle of texts that this test wrote."""
    want = float(eval(text))
    assert expression.calculate(text, {}) == pytest.approx(want, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "()", "1+", "*1", "1 2", "x y", "2x", "f(1)", "(1", "1)", "1,2"),
        *(
            "1__0",
            "1e",
            "x.y",
            "x[0]",
            "1//2",
            "1%2",
            "~1",
            "1<2",
            "'a'",
            "1j",
            "x:=1",
        ),
        *("lambda: 1", "not 1", "1 if 1 else 2", "None", "a and b", "é\u0301\x00"),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="this is not an expression") as said:
        expression.calculate(text, {"x": 1.0, "y": 1.0})
    assert len(str(said.value)) < 250 and "\n" not in str(said.value)


def test_long_and_deep():
    """600 terms are 600; deeper than 200 parentheses is refused, as in Python."""
    zero = lambda text: expression.calculate_or_zero(text, {"x": 2.0})  # noqa: E731
    assert zero("+".join(["1"] * 600)) == 600
    assert zero("+".join(["x"] * 20_000)) == 40_000
    assert zero("-" * 10_001 + "x") == -2
    assert zero("(" * 200 + "x" + ")" * 200) == 2
    assert zero("(" * 201 + "x" + ")" * 201) == 0
    nested = "x"
    for _ in range(150):
        nested = f"1+({nested})"
    assert zero(nested) == 152


@pytest.mark.parametrize(
    "text", ["9**9**9", "1/0", "0**-1", "9" * 5000, "1e999", "(-1)**0.5", "x"]
)
def test_what_has_no_value_is_0(text):
    assert expression.calculate_or_zero(text, {}) == 0
