"""Episodes in text environments: as on the device, and what failures do."""

import itertools
import re
import time
from decimal import Decimal
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_episodes import (
    APPLY,
    ENVIRONMENT,
    FAIL,
    KEY,
    OPTIONS,
    PARAMS,
    QUIT,
    WIDTH,
    episodes,
    facts,
    same,
)

from rewardlab.rollouts import End, blank_episodes, rollout_episodes_on_host
from rewardlab.tasks.environment import TextEnvironment, Turn
from rewardlab.tasks.gymnasium_text import gymnasium_text
from rewardlab.tasks.text_episodes import HostEnvironment, Patience
from rewardlab.text.tokenizers import CharTokenizer

TOKENIZER = CharTokenizer("abcdefghij")  # ids 2 to 11; "a" ends a turn
NAMES = {"rewards": ("size", "call"), "outcomes": ("correct",)}


def step(state, action):
    """The toy environment of the other file, in Python; an action lacks its end."""
    turns, length = state + 1, min(len(action) + 1, WIDTH)
    rewards = {"size": float(length), "call": float(length % 2)}
    if action[:1] == TOKENIZER.decode([FAIL]):
        rewards["size"] = float("nan")
    said = TOKENIZER.decode([5 + turns, 5 + length][: length % 3])
    return Turn(turns, said, action[:1] == TOKENIZER.decode([QUIT]), rewards)


TWIN = TextEnvironment(
    reset=lambda facts: 0,
    step=step,
    outcome=lambda turns: {"correct": float(turns >= 2)},
)


def world(environment=TWIN, **kw):
    return HostEnvironment(environment, ENVIRONMENT.limits, TOKENIZER, **NAMES, **kw)


def on_host(world, rows=slice(None)):
    case = (facts(rows), KEY, 3, OPTIONS, world)
    rollout = rollout_episodes_on_host(APPLY, PARAMS, *case, belief=True)
    return jax.tree.map(np.asarray, rollout)


@pytest.fixture(scope="module")
def device():
    return jax.tree.map(np.asarray, episodes())


def test_episodes_on_the_host_are_those_on_the_device(device):
    host = on_host(world())
    ended = np.bincount(host.signals["ended_by"])
    assert ended[End.DONE] and ended[End.ERROR] and len(ended) == End.ERROR + 1
    same(host, device, atol=1e-4)


def test_shapes_are_known_before_anybody_is_asked(device):
    case = (PARAMS, facts(), KEY, 3, OPTIONS, world(), True)
    shapes = jax.eval_shape(lambda: blank_episodes(APPLY, *case))
    kind = lambda x: (x.shape, x.dtype)  # noqa: E731
    assert jax.tree.map(kind, shapes) == jax.tree.map(kind, device)


def test_a_time_limit_changes_nothing_that_is_in_time(device):
    some = slice(0, 2)
    host = on_host(world(patience=Patience(time_limit=20.0, retries=1)), some)
    np.testing.assert_array_equal(host.tokens, device.tokens[:8])
    for name, x in host.signals.items():
        np.testing.assert_allclose(x, device.signals[name][:8], atol=1e-4)


def spoilt(bad):
    """The twin, but for the row of problem 101: its first step is `bad`."""

    def reset(facts):
        return (0, facts["id"] == 101)

    def once(state, action):
        turn = bad(state, action) if state[1] else step(state[0], action)
        return turn._replace(state=(turn.state, False))

    return TextEnvironment(reset, once, lambda state: TWIN.outcome(state[0]))


def fails(state, action):
    raise KeyError("no such tool")


def leaves(state, action):
    raise SystemExit("enough")


def hangs(state, action):
    time.sleep(60)


def talks(state, action):
    return step(0, action)._replace(text="bbbb")


def shouts(state, action):
    return step(0, action)._replace(rewards={"size": 1e39})


def boasts(state, action):
    return step(0, action)._replace(rewards={"size": 10**400})


def mumbles(state, action):
    return step(0, action)._replace(text="Z")


def pays(state, action):
    return step(0, action)._replace(rewards={"gold": 1.0})


@pytest.mark.parametrize(
    ("bad", "end", "message"),
    [
        (fails, End.ERROR, "4 of 8 episodes, first because: KeyError: 'no such tool'"),
        (leaves, End.ERROR, "4 of 8 episodes, first because: SystemExit: enough"),
        (hangs, End.TIMEOUT, r"first because: a step took more than 0.3 s"),
        (talks, End.ERROR, "4 tokens is longer than observation_length=3; cut it"),
        (mumbles, End.ERROR, r"characters \['Z'\] of 'Z' are not in the vocabulary"),
        (shouts, End.ERROR, "the reward 'size' is no reward: 1e.39 is not a finite"),
        (
            boasts,
            End.ERROR,
            "the reward 'size' is no reward: .* is not a finite number",
        ),
        (pays, End.ERROR, "a reward 'gold'; name it in `rewards`"),
    ],
)
def test_other_rows_go_on_when_one_fails(device, caplog, bad, end, message):
    limit = 0.3 if bad is hangs else float("inf")
    case = world(spoilt(bad), patience=Patience(time_limit=limit))
    host = on_host(case, slice(0, 2))
    np.testing.assert_array_equal(host.tokens[:4], device.tokens[:4])
    assert (host.signals["ended_by"][4:] == end).all()
    assert not host.signals["size_valid"][4:].any()
    assert not host.signals["correct_valid"][4:].any()
    assert host.signals["correct_valid"][:4].any()
    assert re.search(message, caplog.text)


def test_values_of_any_type_are_numbers(device):
    """Also an outcome that float32 does not hold is none, and ends nothing."""
    kinds = {1: Fraction, 2: Decimal, 3: np.float16}

    def typed(state, action):
        turn = step(state, action)
        size = turn.rewards["size"]
        return turn._replace(rewards={"size": kinds.get(size, jnp.asarray)(size)})

    huge = TextEnvironment(TWIN.reset, typed, lambda turns: {"correct": 10**400})
    host = on_host(world(huge), slice(0, 2))
    np.testing.assert_array_equal(host.signals["size"], device.signals["size"][:8])
    assert not host.signals["correct_valid"].any()
    assert (host.signals["correct"] == 0).all()


def test_a_second_try_gets_the_state_as_it_was(device):
    rows, tried = itertools.count(), set()

    def flaky(state, action):
        now = (state["row"], state["turns"])
        state["turns"] += 1  # in place, before the failure
        if now not in tried:
            tried.add(now)
            raise OSError("try again")
        turn = step(now[1], action)
        return turn._replace(state={"row": now[0], "turns": turn.state})

    environment = TextEnvironment(
        lambda facts: {"turns": 0, "row": next(rows)},
        flaky,
        lambda state: TWIN.outcome(state["turns"]),
    )
    host = on_host(world(environment, patience=Patience(retries=1)), slice(0, 2))
    np.testing.assert_array_equal(host.tokens, device.tokens[:8])
    assert len(tried) > 8
    once = world(spoilt(fails), patience=Patience(stop_on_failure=True))
    with pytest.raises(RuntimeError, match="no such tool'; mend it, or set stop_on"):
        on_host(once, slice(0, 2))


class Counting:
    """A Gymnasium environment that is done after two steps."""

    def reset(self, seed=None, options=None):
        self.steps, self.seed = 0, seed
        return "hello", {}

    def step(self, action):
        self.steps += 1
        info = {"is_success": self.seed % 2 == 1} if self.steps == 2 else {}
        return "b", 0.5, self.steps == 2, False, info


def test_a_gymnasium_environment_plugs_in():
    plugged = HostEnvironment(
        gymnasium_text(Counting),
        ENVIRONMENT.limits,
        TOKENIZER,
        rewards=("reward",),
        outcomes=("return", "correct"),
    )
    host = on_host(plugged, slice(0, 2))
    done = host.signals["finished"] > 0
    assert done.any()
    assert (host.signals["return"][done] == 1.0).all()
    odd = np.arange(100, 102).repeat(4) % 2 == 1
    np.testing.assert_array_equal(host.signals["correct"][done], odd[done])
    np.testing.assert_array_equal(host.signals["correct_valid"], done)
