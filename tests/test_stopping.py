"""A run that teaches nothing ends with a sentence."""

from types import SimpleNamespace

import jax.numpy as jnp
import pytest

from rewardlab.core.types import Sum
from rewardlab.learning.scorer_fit import Learned
from rewardlab.runs.config import default_config
from rewardlab.runs.stopping import Trouble


def trouble(most=3):
    config = default_config()
    config.train.max_unrewarded = most
    look = Trouble(config, "runs/x")
    state = SimpleNamespace(skipped=0, step=7, scorers={})

    def step(count, **row):
        named = {f"rewards/{k.replace('__', '/')}": x for k, x in row.items()}
        return look(state, None, {"reward/mean": Sum(0.0, count)}, named)

    return step


def test_batches_without_any_reward_stop_the_run():
    step = trouble()
    counts = [0, 0, 5, 0, 0]  # five rewarded rows begin the count anew
    assert [step(count) for count in counts] == [None] * 5
    error = step(0, short__errors=0.75, short__abstained=0.25, short__timeouts=0.0)
    assert isinstance(error, ValueError)
    assert str(error) == (
        "in 3 batches in a row no completion had a reward (short/errors 75%, "
        "short/abstained 25%); mend what makes it, or raise train.max_unrewarded"
    )


@pytest.mark.parametrize(("errors", "timeouts"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_a_reward_that_always_fails_is_not_hidden_by_another(errors, timeouts):
    step = trouble(most=2)
    failed = {"a__errors": errors, "a__timeouts": timeouts, "a__abstained": 0.0}
    good = {"a__errors": 0.9, "a__timeouts": 0.0, "a__abstained": 0.1}
    assert step(16, **failed) is step(16, **good) is step(16, **failed) is None
    assert "the reward 'a' failed for all" in str(step(16, **failed))
    abstains = {"a__errors": 0.0, "a__timeouts": 0.0, "a__abstained": 1.0}
    assert step(16, **abstains) is None


def test_a_judge_that_never_answers_is_named():
    look, row = Trouble(default_config(), "runs/x"), {"scorers/asked_judge/unread": 1.0}
    state = SimpleNamespace(skipped=0, step=7, scorers={})
    case = (state, None, {"reward/mean": Sum(0.0, 0)}, row)
    said = [look(*case) for _ in range(5)]
    assert said[:4] == [None] * 4
    assert "no answer of the judge 'asked_judge' could be read" in str(said[-1])
    partly = {"scorers/asked_judge/unread": 0.9}
    assert look(state, None, {"reward/mean": Sum(1.0, 4)}, partly) is None


def test_a_scorer_that_cannot_learn_stops_the_run():
    """After as many steps in a row as the policy's own limit; one that has no fit is
    not looked at."""
    look, rewarded = Trouble(default_config(), "runs/x"), {"reward/mean": Sum(1.0, 4)}
    zero, limit = jnp.zeros(()), default_config().train.max_skipped
    for skipped in range(limit + 1):
        critic = Learned({"w": zero}, (), jnp.asarray(skipped))
        scorers = {"critic": critic, "moving_reference": {"w": zero}}
        state = SimpleNamespace(skipped=0, step=7, scorers=scorers)
        error = look(state, None, rewarded, {})
        assert (error is None) == (skipped < limit)
    assert isinstance(error, FloatingPointError)
    assert str(error) == (
        "5 steps in a row of the scorer 'critic' were not finite; mend what it learns "
        "from, lower its lr, or leave it out, and go on from runs/x/checkpoints/7"
    )
