"""What a value may be: a kind, and for numbers from where to where; NaN never is."""

import math
import numbers
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

LARGEST = 2**31 - 1  # of an int32, which counts iterations, rows and tokens

LARGEST_FLOAT = float(np.finfo(np.float32).max)
LEAST_FLOAT = float(np.finfo(np.float32).tiny)  # what is nearer to 0 counts as 0


class Range(NamedTuple):
    """Numbers from `low` to `high`; `above` and `below` say that an end is outside."""

    whole: bool = False
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def problem(self, value: Any) -> str:
        """What the value must be, unless it is; "" if it is."""
        number = is_whole(value) if self.whole else is_number(value)
        if not number:
            kind = "a whole number" if self.whole else "a finite number"
            return f"{kind}{', ' if self._ends() else ''}{self._ends()}"
        value = 0 if abs(value) < LEAST_FLOAT else value
        small = value <= self.low if self.above else value < self.low
        large = value >= self.high if self.below else value > self.high
        if large and not self._says_high:
            return f"at most {self.high}"
        return self._ends() if small or large else ""

    def _ends(self) -> str:
        low = f"{'above' if self.above else 'at least'} {self.low:g}"
        high = f"{'below' if self.below else 'at most'} {self.high:g}"
        ends = [low] if self.low > -math.inf else []
        return " and ".join(ends + ([high] if self._says_high else []))

    @property
    def _says_high(self) -> bool:
        return self.high < (LARGEST if self.whole else math.inf)


class Kind(NamedTuple):
    """Values of some types, as in text or a switch."""

    types: tuple[type, ...]
    says: str

    def problem(self, value: Any) -> str:
        """As `Range.problem`."""
        return "" if isinstance(value, self.types) else self.says


class Each(NamedTuple):
    """A tuple or a list of values that are alike."""

    one: "Rule"

    def problem(self, value: Any) -> str:
        """As `Range.problem`."""
        if not isinstance(value, tuple | list):
            return "a tuple"
        wrong = [self.one.problem(x) for x in value if self.one.problem(x)]
        return f"a tuple, each {wrong[0]}" if wrong else ""


class OneOf(NamedTuple):
    """One of some words."""

    words: Iterable[str]

    def problem(self, value: Any) -> str:
        """As `Range.problem`."""
        words = list(self.words)
        known = isinstance(value, str) and value in words
        return "" if known else f"one of {', '.join(map(repr, words))}"


class Named(NamedTuple):
    """One of some words, or `package.module:attribute`."""

    words: Iterable[str]

    def problem(self, value: Any) -> str:
        """As `Range.problem`."""
        words, path = list(self.words), isinstance(value, str) and ":" in value
        known = path or (isinstance(value, str) and value in words)
        return "" if known else f"one of {', '.join(map(repr, words))}, or a path"


class Maybe(NamedTuple):
    """What may be left out, as None."""

    rule: "Range | Kind"

    def problem(self, value: Any) -> str:
        """As `Range.problem`."""
        return "" if value is None else self.rule.problem(value)


Rule = Range | Kind | Each | OneOf | Named | Maybe

FLAG = Kind((bool, np.bool_), "True or False")
TEXT = Kind((str,), "text")
NUMBER = Range()
POSITIVE = Range(low=0, above=True)
NOT_NEGATIVE = Range(low=0)
SHARE = Range(low=0, high=1)
FRACTION = Range(low=0, high=1, below=True)


def whole(low: int = 0, high: int = LARGEST) -> Range:
    """Whole numbers from `low` to `high`, both of them too."""
    return Range(True, low, high)


# From where to where arguments of a name go, in every word that has one; `word.name`
# where a word means something else by it. Names that are not here take any number.
RANGES: dict[str, Range] = {
    "attempts": whole(1),
    "beta": NOT_NEGATIVE,
    "ddof": whole(0, 1),
    "decay": SHARE,
    "density": POSITIVE,
    "cov_kl": NOT_NEGATIVE,
    "cov_share": SHARE,
    "discount": SHARE,
    "dispersion": POSITIVE,
    "dual_clip": Range(low=1, above=True),
    "eps": NOT_NEGATIVE,
    "epsilon": NOT_NEGATIVE,
    "epsilon_high": NOT_NEGATIVE,
    "horizon": POSITIVE,
    "k_neg": NOT_NEGATIVE,
    "k_pos": NOT_NEGATIVE,
    "kappa": POSITIVE,
    "lambda_neg": NOT_NEGATIVE,
    "lambda_pos": NOT_NEGATIVE,
    "learning_rate": NOT_NEGATIVE,
    "first_rank": whole(0),
    "min_std": NOT_NEGATIVE,
    "max_length": whole(1),
    "max_norm": POSITIVE,
    "momentum": SHARE,
    "num_references": whole(1),
    "number": whole(0),
    "own_share": SHARE,
    "prior": NOT_NEGATIVE,
    "quantile": SHARE,
    "recency": POSITIVE,
    "seed": whole(0, 2**32 - 1),
    "share": SHARE,
    "size": whole(1),
    "smooth": POSITIVE,
    "tails": Range(low=0, high=0.5),
    "target": POSITIVE,
    "temperature": POSITIVE,
    "off_policy_delta": NOT_NEGATIVE,
    "tau": NOT_NEGATIVE,
    "tau_neg": POSITIVE,
    "tau_pos": POSITIVE,
    "var_eps": NOT_NEGATIVE,
    "var_floor": NOT_NEGATIVE,
    "w_max": NOT_NEGATIVE,
    "w_min": NOT_NEGATIVE,
    "window": whole(1),
    "bonus_while_rare.below": SHARE,
    "constant.length": POSITIVE,
    "dppo_top_k.k": whole(1),
    "constant_non_empty.length": POSITIVE,
    "cosine.steps": whole(1),
    "cosine_length.margin": whole(0),
    "epochs.number": whole(1),
    "entropy_bonus.weight": NOT_NEGATIVE,
    "exponential.steps": POSITIVE,
    "keep_top.count": whole(0),
    "length_penalty.after": whole(0),
    "length_penalty.max_penalty": NOT_NEGATIVE,
    "length_penalty.rate": NOT_NEGATIVE,
    "linear.steps": whole(1),
    "masked_importance.min_weight": NOT_NEGATIVE,
    "mask_far_rows.max_ratio": Range(low=1),
    "mean_minus_variance_of.weight": NOT_NEGATIVE,
    "minus_reference_normal_quantile.quantile": Range(False, 0, 1, True, True),
    "overlong_penalty.after": FRACTION,
    "proximity.scale": POSITIVE,
    "rover.rho": NOT_NEGATIVE,
    "signed_proximity.scale": POSITIVE,
    "steer_exponential.floor": NOT_NEGATIVE,
    "truncated_importance.max_weight": POSITIVE,
}


def is_whole(value: Any) -> bool:
    """Whether it is an integer, of Python or NumPy; True and False are none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a real number that is finite as a float32 too."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and abs(value) <= LARGEST_FLOAT
