"""The law `stopping`: the policy gradient stays right where the policy may stop.

Two prompts, at most three turns, and at each a choice: stop or go on. So few episodes
that the expected policy gradient is an exact sum over all batches of two prompts with
two episodes each, and so is the gradient that it should be, of the expected return.

A baseline may not depend on the action. One that is taken off every turn does: who
goes on pays it once more (verl issue 7244). Nor may the turns that a baseline is the
mean of be chosen by it, or one turn's gradient be shrunk more than another's.
"""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import LAWS, METHODS, build, estimator, reads
from rewardlab.methods.sentence import shaped_reward
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")

TURNS, PROMPTS, SAMPLES = 3, 2, 2
GUIDES = ("prm", "belief", "subgoals", "potential", "milestones")
KNOWN = {"correct", "anchor", *GUIDES}
APART = ("_std(", "whiten(")  # they divide by a deviation; of these, some suffice
APART += ("cosine_length(",)  # its words take long to compile
DIVIDED = ("grpo", "g_ra", "igpo", "igpo_separate", "gigpo")
TESTED = {
    name: method.build(**({"gamma": 1.0} if "gamma" in method.hp else {}))
    for name, method in METHODS.items()
    if reads(method.build()) <= KNOWN
    and (name in DIVIDED or not any(word in method.reward for word in APART))
}
SENTENCES = {t.sentence: t for t in TESTED.values()}  # many rows share grpo's
PAID = "process('prm') | outcome('correct') | weighted_sum(prm=1, correct=1)"
LEAVE_OUT = "center_by_group(leave_one_out=True)"
NEVER_BIASED = {
    "the episode's total": f"{PAID} | episode_return() | center_by_group()"
    " | broadcast_to_tokens()",
    "returns to go against other rows": f"{PAID} | step_returns_to_go() | {LEAVE_OUT}",
}
BIASED_BY_STOPPING = {
    "each turn against that turn of the group, then their sum":
    "process('prm') | center_by_state() | outcome('correct')"
    " | on('correct', center_by_group()) | weighted_sum(prm=1, correct=1)"
    " | step_returns_to_go()",
    "each turn against all turns of other rows, then their sum":
    f"{PAID} | {LEAVE_OUT} | step_returns_to_go()",
    "returns to go against rows that reached the turn":
    f"{PAID} | step_returns_to_go() | center_by_state()",
}  # fmt: skip
WAYS = {k: build(v) for k, v in (NEVER_BIASED | BIASED_BY_STOPPING).items()}
ALL = {**SENTENCES, **WAYS}  # by sentence, or by what it does


@functools.cache
def episodes(stops):
    """Actions of every episode; if it `stops`, action 0 ends it."""
    paths = itertools.product((0, 1), repeat=TURNS)
    if not stops:
        return tuple(paths)
    return tuple(dict.fromkeys(p[: p.index(0) + 1] if 0 in p else p for p in paths))


def nodes(stops):
    return sorted({p[:k] for p in episodes(stops) for k in range(len(p))})


def game(rng, stops):
    """What every episode earns of each prompt, and the policy: log-odds of action 1.

    An outcome belongs to an episode, a turn's rewards to its actions so far, and what
    guides to those before it. Every turn is worth something.
    """
    paths, states = episodes(stops), nodes(stops)
    signals = {"correct": rng.uniform(0.1, 1, (PROMPTS, len(paths)))}
    signals["correct"][0, :3] = 0.5, 0.5, 0  # some groups have no contrast
    for name in GUIDES:
        seen = 0 if name in ("belief", "potential", "milestones") else 1
        of = {
            p[:k]: rng.uniform(0.1, 1, PROMPTS) for p in paths for k in range(TURNS + 1)
        }
        table = [
            [of[p[: min(k, len(p) - 1) + seen]] for k in range(TURNS)] for p in paths
        ]
        signals[name] = np.moveaxis(np.array(table), 2, 0)
    at = [[states.index(p[: min(k, len(p) - 1)]) for k in range(TURNS)] for p in paths]
    signals["anchor"] = np.array([at] * PROMPTS)
    return signals, rng.normal(size=len(states))


def rollout_of(signals, stops, prompt, episode, group):
    """These episodes of these prompts, one token a turn."""
    length = jnp.array([len(p) for p in episodes(stops)])
    rows = len(prompt)
    mask = jnp.arange(TURNS) < length[episode][:, None]
    return dataclasses.replace(
        from_arrays(np.ones((rows, TURNS)), group=group),
        mask=mask,
        valid=mask,
        step=jnp.where(mask, jnp.arange(TURNS), -1),
        signals={name: jnp.asarray(x)[prompt, episode] for name, x in signals.items()},
    )


BATCH_PROMPT = np.repeat(np.arange(PROMPTS), SAMPLES)


def batches(stops):
    """Every batch, as the number of each row's episode."""
    count = len(episodes(stops))
    return np.array([*itertools.product(range(count), repeat=PROMPTS * SAMPLES)])


@functools.partial(jax.jit, static_argnums=(1, 2))
def all_of(signals, stops, tested):
    """Of each transform: advantages in every batch, and what every episode earns."""
    transforms = {name: ALL[name] for name in tested}

    def advantages(episode):
        rollout = rollout_of(signals, stops, BATCH_PROMPT, episode, BATCH_PROMPT)
        closed = {name: estimator(t) for name, t in transforms.items()}
        return {k: c.update({}, c.init(rollout), rollout)[0] for k, c in closed.items()}

    each = np.indices((PROMPTS, len(episodes(stops)))).reshape(2, -1)
    alone = rollout_of(signals, stops, *each, np.arange(each.shape[1]))
    earned = {
        name: shaped_reward(t)(t.init(alone), alone).total.reshape(PROMPTS, -1)
        for name, t in transforms.items()
    }
    return jax.vmap(advantages)(batches(stops)), earned


def gradients(signals, logits, stops, tested):
    """The expected gradient of each transform, and that of the expected return."""
    paths, states = episodes(stops), nodes(stops)
    up = 1 / (1 + np.exp(-logits))
    chance, score = np.ones(len(paths)), np.zeros((len(paths), TURNS, len(states)))
    for e, path in enumerate(paths):
        for k, action in enumerate(path):
            at = states.index(path[:k])
            chance[e] *= up[at] if action else 1 - up[at]
            score[e, k, at] = action - up[at]
    assert np.isclose(chance.sum(), 1)
    advantage, earned = jax.device_get(all_of(signals, stops, tuple(tested)))
    rows = batches(stops)
    weight = chance[rows].prod(axis=1)
    found = {}
    for name in tested:
        got = np.einsum("b,brk,brkn->n", weight, advantage[name], score[rows])
        found[name] = got, np.einsum("e,pe,ekn->n", chance, earned[name], score)
    return found


def bias(got, wanted):
    """The sine of the angle between them; 1 or more if they do not point alike."""
    scale = got @ wanted / (wanted @ wanted)
    if scale <= 0:
        return 1.0
    return float(np.linalg.norm(got - scale * wanted) / np.linalg.norm(got))


def biases(stops, tested, seeds=2):
    """Of each transform, in several games."""
    games = [game(np.random.default_rng(seed), stops) for seed in range(seeds)]
    found = [gradients(*one, stops, tested) for one in games]
    return {name: [bias(*f[name]) for f in found] for name in tested}


@functools.cache
def where_it_may_stop():
    return biases(True, ALL)


@pytest.mark.parametrize("name", TESTED)
def test_stopping(name):
    """A row that claims the law keeps it; one that could and does not breaks it."""
    found = where_it_may_stop()[TESTED[name].sentence]
    if "stopping" in METHODS[name].laws:
        assert max(found) < 1e-12, LAWS["stopping"]
    else:
        assert min(found) > 1e-6


def test_only_rows_that_are_tested_claim_the_law():
    claims = {name for name, m in METHODS.items() if "stopping" in m.laws}
    assert claims and claims <= set(TESTED)


def test_baselines_of_turns_are_biased_by_stopping_only():
    """Where all episodes are equally long the same sentences are right."""
    free, fixed = where_it_may_stop(), biases(False, WAYS)
    for why in WAYS:
        assert max(fixed[why]) < 1e-12, why
        if why in BIASED_BY_STOPPING:
            assert min(free[why]) > 1e-2, why
        else:
            assert max(free[why]) < 1e-12, why


def test_a_baseline_of_every_turn_is_a_fee_for_going_on():
    """The bias by hand: as if each turn cost the mean of the other rows' turns."""
    why = "each turn against all turns of other rows, then their sum"
    signals, logits = game(np.random.default_rng(0), True)
    got, wanted = gradients(signals, logits, True, ALL)[why]
    up = 1 / (1 + np.exp(-logits))
    chance = np.array([1 - up[0], up[0] * (1 - up[1]), up[0] * up[1]])
    chance = np.array([*chance[:2], chance[2] * (1 - up[2]), chance[2] * up[2]])
    turns = np.array([1, 2, 3, 3])
    earned = signals["correct"] + [
        [signals["prm"][b, e, :n].sum() for e, n in enumerate(turns)] for b in (0, 1)
    ]
    fee = (earned / turns) @ chance  # of a prompt: what the other row earns a turn
    longer = np.array([
        # d E[turns] / d log-odds: going on at 0 leads to 1 + up[1] more turns, ...
        up[0] * (1 - up[0]) * (1 + up[1]),
        up[0] * up[1] * (1 - up[1]),
        0.0,
    ])  # fmt: skip
    np.testing.assert_allclose(got, SAMPLES * (wanted - fee.sum() * longer), rtol=1e-10)
