"""Arguments are checked against a word's annotations before anything is built."""

import inspect
import math
import typing

import jax
import jax.numpy as jnp
import pytest

from rewardlab import build, weighted_sum
from rewardlab.contrib import tanh
from rewardlab.core.arguments import check
from rewardlab.core.ranges import RANGES
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.types import SIGNAL, STATIC, RewardTransform
from rewardlab.methods.sentence import WORDS as REWARD_WORDS
from rewardlab.objectives import LOSSES, SURROGATES
from rewardlab.objectives.updates import WORDS as UPDATES
from rewardlab.transforms.shapers import clip_reward

WORDS = {**REWARD_WORDS, **SCHEDULES}
EVERY = [
    (word, name) for word in WORDS for name in inspect.signature(WORDS[word]).parameters
]


def kind_of(annotation):
    if STATIC in getattr(annotation, "__metadata__", ()):
        annotation = annotation.__origin__
    if getattr(annotation, "__metadata__", ()) == SIGNAL:
        return "signal"
    if annotation in (bool, int, str, RewardTransform):
        return annotation
    if typing.get_origin(annotation) is typing.Literal:
        return "choice"
    if typing.get_args(annotation) == (int, type(None)):
        return "count or none"
    return tuple if typing.get_origin(annotation) is tuple else float


WRONG = {
    bool: ("no", 1, None),
    int: ("3", 1.5, True, math.nan, None),
    float: ("x", math.nan, -math.inf, None, 10**400, (1.0,), 1j),
    str: ("", 3, None),
    tuple: ("x", 1.0, ("x",), (math.nan, 1.0)),
    "count or none": ("3", 1.5, True, math.nan),
    "signal": (3, None, ("a",), "not a name"),
    "choice": ("none of them", 3, None),
    RewardTransform: ("tanh", 1.0),
}
GOOD = {
    bool: True,
    int: 1,
    float: 0.5,
    str: "correct",
    tuple: (0.0, 1.0),
    "count or none": 1,
    "signal": "correct",
    RewardTransform: tanh(),
}


def good(annotation):
    """A value that is right for an argument."""
    bare = annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation
    kind = kind_of(annotation)
    return typing.get_args(bare)[0] if kind == "choice" else GOOD[kind]


def given(word, name, value):
    """Arguments of a word, with `value` for the one of that name."""
    args, kwargs = [], {}
    for parameter in inspect.signature(WORDS[word]).parameters.values():
        one = value if parameter.name == name else good(parameter.annotation)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            args.append(one)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            kwargs["one"] = one
        elif parameter.name == name or parameter.default is inspect.Parameter.empty:
            kwargs[parameter.name] = one
    if args and kwargs and "one" not in kwargs:
        return args, {k: v for k, v in kwargs.items() if k == name}
    return args, kwargs


@pytest.mark.parametrize("word, name", EVERY)
def test_every_argument_of_every_word_is_checked(word, name):
    annotation = inspect.signature(WORDS[word]).parameters[name].annotation
    kind = kind_of(annotation)
    args, kwargs = given(word, name, good(annotation))
    check(WORDS[word], tuple(args), kwargs)
    for value in WRONG[kind]:
        args, kwargs = given(word, name, value)
        with pytest.raises(ValueError, match=f"^{word}: .* must be ") as error:
            WORDS[word](*args, **kwargs)
        assert "\n" not in str(error.value) and len(str(error.value)) < 200


def test_ranges_belong_to_arguments():
    """A range of a name that no word has would check nothing."""
    words = {**WORDS, **LOSSES, **UPDATES}
    every = [(w, n) for w in words for n in inspect.signature(words[w]).parameters]
    assert set(RANGES) <= {n for _, n in every} | {f"{w}.{n}" for w, n in every}


OUT_OF_RANGE = (
    "scale_by_group_std(eps=-1e-6)",
    "scale_by_group_std(ddof=2)",
    "softmin_credit(temperature=0)",
    "softmin_credit(temperature=-0.1)",
    "returns_to_go(discount=1.5)",
    "returns_to_go(-0.1)",
    "gae('value', decay=2)",
    "keep_high_entropy(1.2)",
    "flip_groups(share=-0.2)",
    "minus_reference_quantile('ref_score', 1.5)",
    "par('ref_score', num_references=0)",
    "cost_quantile_score(window=0)",
    "cost_quantile_score(tails=0.7)",
    "repetition(size=0)",
    "only_step(-1)",
    "kl_penalty(-0.1)",
    "cosine_length(0)",
    "flip_groups(0.1, seed=-1)",
    "budget_returns('score', prior=(0.5, -0.5))",
    "center_by_budgets('score', own_share=(0.5, 2))",
    "weighted_sum(correct=linear(1, 0, 0))",
    "weighted_sum(correct=exponential(1, 0))",
)


@pytest.mark.parametrize("text", OUT_OF_RANGE)
def test_values_out_of_range_are_refused(text):
    with pytest.raises(ValueError, match=" must be ") as error:
        build(text)
    assert "\n" not in str(error.value)


SENTENCES = {
    "clip_reward(eta='x')": "clip_reward: eta='x' must be a finite number, or a sched",
    "center_by_group(leave_one_out='no')": "leave_one_out='no' must be True or False",
    "delta(3)": "takes 0 positional arguments but 1 was given",
    "clip_reward()": "missing 1 required positional argument: 'eta'",
    "clip_reward(0.5, zeta=1)": "unexpected keyword argument 'zeta'",
    "clip_reward(1e999)": "eta=inf must be a finite number",
    "clip_reward(0.5, eta=1)": "multiple values for argument 'eta'",
    "clip_reward(eta=0.5, eta=1)": "each argument once",
    "clip_reward(**{'eta': 1})": "each argument once",
    "outcome(3)": "name=3 must be the name of a signal",
    "outcome('a b')": "name='a b' must be the name of a signal",
    "weighted_sum(correct='x')": "correct='x' must be a finite number",
    "weighted_sum(correct=tanh())": "correct=tanh() must be a finite number",
    "weighted_sum(correct=linear(1, 'x', 5))": "linear: end='x' must be",
    "weighted_sum(correct=piecewise_linear())": "piecewise_linear needs points",
    "weighted_sum(correct=piecewise_linear((0, 1, 2)))": "must be a tuple of 2 numbers",
    "on('a', 3)": "transform=3 must be a transform",
    "on('a', linear(1, 0, 5))": "must be a transform",
    "gate(3, tanh())": "when=3 must be the name of a signal",
    "clip_reward({1: 2})": "must be a finite number",
    "clip_reward({[]})": "is not a name, a literal or a transform",
}


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_says_which_argument_is_wrong(text):
    with pytest.raises(ValueError) as error:
        build(text)
    assert SENTENCES[text] in str(error.value) and "\n" not in str(error.value)


def test_hyperparameters_are_checked_as_literals_are():
    for value in ("x", math.nan, None, [1.0], jnp.ones(2), True):
        with pytest.raises(
            ValueError, match="clip_reward: eta=.* must be one|a finite"
        ):
            build("clip_reward(tau)", tau=value)


def test_what_numbers_may_be():
    """Whole ones, arrays of one, schedules, traced ones; infinity where it is usual."""
    for value in (1, jnp.asarray(0.5), lambda iteration: 0.5):
        build("clip_reward(tau)", tau=value)
    jax.vmap(lambda w: weighted_sum(a=w) and w)(jnp.ones(2))
    build("weigh_by_gap('gap', tau=1e999)")
    with pytest.raises(ValueError, match="eps=<function .* must be a finite number"):
        build("scale_by_group_std(eps=tau)", tau=lambda iteration: 0.5)


NO_NUMBERS = {"log_ratio", "kind", "correct_bias", "ref", "shape", "uniform"}
NO_NUMBERS |= {"width", "divergence", "ids", "logp"}


def test_options_of_policy_losses_are_checked():
    words = {**SURROGATES, "kl": LOSSES["kl"], "entropy_bonus": LOSSES["entropy_bonus"]}
    for make in words.values():
        options = set(inspect.signature(make).parameters)
        for option in options - NO_NUMBERS:
            for value in ("x", math.nan, math.inf):
                with pytest.raises(ValueError, match=f"{option}=.* must be"):
                    check(make, (), {option: value})
    with pytest.raises(ValueError, match="clip_reward: eta="):
        clip_reward("x")
