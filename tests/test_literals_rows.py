"""Every number of every row may be traced: the advantage is the plain one's."""

import inspect

import jax
import numpy as np
import pytest
from test_arguments import good

from rewardlab import estimator
from rewardlab.core import sentence
from rewardlab.core.literals import arrays, literals
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.signatures import is_static
from rewardlab.core.tree import Tree
from rewardlab.methods import IDEAS
from rewardlab.methods.sentence import WORDS as REWARD_WORDS
from rewardlab.testing import ragged

QUICK = ("Credit against a critic", "Tokens that matter more", "Guidance on the way")
BY_IDEA = {
    idea: {
        tree_text: tree
        for row in rows.values()
        for tree in [row.build().tree]
        if literals(tree, "reward")
        for tree_text in [str(tree)]
    }
    for idea, rows in IDEAS.items()
}
WORDS = {**REWARD_WORDS, **SCHEDULES}


def advantages(trees, numbers, rollout):
    """Of every tree, with the numbers of each in the place of its own."""
    found = {}
    for text, tree in trees.items():
        closed = estimator(sentence.build(tree, numbers.get(text), "reward"))
        found[text] = closed.update({}, closed.init(rollout), rollout)[0]
    return found


def traced(trees):
    """Their numbers, as arguments of a program."""
    return {text: arrays(literals(tree, "reward")) for text, tree in trees.items()}


@pytest.mark.parametrize("idea", IDEAS)
def test_every_number_of_a_row_may_be_traced(idea):
    trees, rollout = BY_IDEA[idea], ragged()
    shapes = jax.eval_shape(
        lambda n, r: advantages(trees, n, r), traced(trees), rollout
    )
    assert {x.shape for x in shapes.values()} <= {rollout.mask.shape}


@pytest.mark.parametrize(
    "idea",
    [i if i in QUICK else pytest.param(i, marks=pytest.mark.slow) for i in IDEAS],
)
def test_traced_numbers_give_what_plain_ones_do(idea):
    trees, rollout = BY_IDEA[idea], ragged()
    got = jax.jit(lambda n, r: advantages(trees, n, r))(traced(trees), rollout)
    want = jax.jit(lambda r: advantages(trees, {}, r))(rollout)
    for text, advantage in want.items():
        size = max(np.abs(advantage).max(), 1.0)
        assert got[text].dtype == advantage.dtype
        np.testing.assert_allclose(got[text], advantage, rtol=0, atol=1e-6 * size)


@pytest.mark.parametrize("word", WORDS)
def test_every_number_that_a_word_takes_may_be_traced_when_it_is_made(word):
    """All of its arguments that are not `Static` at once; texts and flags stay."""
    args, kwargs = [], {}
    for parameter in inspect.signature(WORDS[word]).parameters.values():
        value = good(parameter.annotation)
        value = value.tree if hasattr(value, "tree") else value
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            args.append(value)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            kwargs["one"] = value
        elif not isinstance(parameter.default, str | bool | None):
            kwargs[parameter.name] = value
    if args and kwargs:
        kwargs = {k: v for k, v in kwargs.items() if k == "one"}
    tree = Tree(word, WORDS[word], tuple(args), kwargs)
    numbers = literals(tree, "reward")
    static = [
        p.name
        for p in inspect.signature(WORDS[word]).parameters.values()
        if is_static(p)
    ]
    assert not {path.split(".")[2] for path in numbers} & set(static)
    jax.eval_shape(lambda n: [sentence.build(tree, n, "reward"), 0][1], arrays(numbers))
