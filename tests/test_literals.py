"""Numbers of a sentence have names, and other numbers are the same program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import build, estimator
from rewardlab.core import sentence
from rewardlab.core.literals import arrays, literals
from rewardlab.methods.sentence import TRANSFORM
from rewardlab.testing import ragged

TEXT = (
    "process('prm') | on('prm', clip_reward(0.5) | clip_reward(eta=0.25) | delta())"
    " | outcome('correct') | weighted_sum(prm=linear(1, 0, steps), correct=w)"
    " | step_returns_to_go()"
)


def test_numbers_have_paths():
    """By word and argument; a second `clip_reward` is counted; a name is its own."""
    tree = build(TEXT, steps=10, w=2.0).tree
    assert literals(tree, "reward") == {
        "reward.clip_reward.eta": 0.5,
        "reward.clip_reward_2.eta": 0.25,
        "reward.linear.start": 1,
        "reward.linear.end": 0,
        "hp.steps": 10,
        "hp.w": 2.0,
    }


def test_numbers_in_tuples_and_lists_of_arguments_have_places():
    text = "outcome('a') | weighted_sum(a=piecewise_linear((0, 1), (5, 2)))"
    assert list(literals(build(text).tree, "reward")) == [
        f"reward.piecewise_linear.points.{i}.{j}" for i in (0, 1) for j in (0, 1)
    ]


@pytest.mark.parametrize(
    "word", ["center_by_group(leave_one_out=True)", "outcome('a')", "whiten()"]
)
def test_flags_texts_and_defaults_are_no_numbers(word):
    assert literals(build(word).tree, "reward") == {}


def test_what_shapes_the_program_stays_in_it():
    tree = build("par('ref_score', k=2.0, num_references=3)").tree
    assert literals(tree, "reward") == {"reward.par.k": 2.0}


def test_another_number_is_not_another_program():
    """One compilation, and the advantage of the sentence with those numbers."""
    tree = build(TEXT, steps=10, w=2.0).tree
    rollout = ragged()

    @jax.jit
    def advantage(numbers):
        closed = estimator(sentence.build(tree, numbers, "reward"))
        return closed.update({}, closed.init(rollout), rollout)[0]

    numbers = literals(tree, "reward")
    for change in ({}, {"reward.clip_reward.eta": 0.1}, {"hp.w": 3, "hp.steps": 4}):
        got = advantage(arrays(numbers | change))
        plain = estimator(
            build(
                TEXT.replace("0.5", str(change.get("reward.clip_reward.eta", 0.5))),
                steps=change.get("hp.steps", 10),
                w=change.get("hp.w", 2.0),
            )
        )
        want = plain.update({}, plain.init(rollout), rollout)[0]
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
    assert advantage._cache_size() == 1


def test_a_tree_reads_as_it_did_while_its_numbers_are_traced():
    tree = build(TEXT, steps=10, w=2.0).tree
    text = []
    jax.eval_shape(
        lambda numbers: text.append(sentence.build(tree, numbers, "r").sentence) or 0,
        arrays(literals(tree, "r")),
    )
    assert text == [str(tree).replace("10", "steps").replace("2.0", "w")]


def test_words_of_other_modules_are_read():
    """`module:word`, wherever a word may stand; text in quotes is left alone."""
    text = "rewardlab.transforms.sources:outcome('correct')"
    assert build(text).sentence == text
    tree = sentence.parse(f"on('a', {text} | tanh())", TRANSFORM)
    assert [word.word for word in tree.words][1] == text.partition("(")[0]
    for wrong, why in {
        "nowhere.at.all:word()": "No module named 'nowhere'",
        "rewardlab.transforms.sources:outcom('a')": "did you mean 'outcome'",
        "outcome('a:b')": "must be the name of a signal",
    }.items():
        with pytest.raises(ValueError, match=why):
            build(wrong)


def test_a_word_that_asks_for_a_number_in_python_says_so():
    def word(eta: float):
        return build("tanh()") if eta > 0 else build("sign()")

    tree = sentence.Tree("word", word, (0.5,))
    with pytest.raises(ValueError, match=r"word\(0.5\)' uses a number as Python does"):
        jax.eval_shape(
            lambda numbers: jnp.zeros(len([sentence.build(tree, numbers, "r")])),
            arrays(literals(tree, "r")),
        )
