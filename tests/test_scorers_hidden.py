"""Flow and effective rank of hidden states, and what a group's distributions say."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_scorers_critic import PROMPTS, SAMPLES, case
from test_scorers_distributions import known, rows
from test_scorers_words import SETTING, SMALL

from rewardlab.learning.parallel import jit_driver
from rewardlab.learning.scoring import scoring
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models import effective_rank as ranks
from rewardlab.scorers.plan import Source, plan
from rewardlab.scorers.sentence import scorers_of

OUTCOME = np.arange(PROMPTS * SAMPLES) % 3 == 0
CONTEXT = case()[2]
POLICY, FROZEN = CONTEXT.params["policy"], CONTEXT.params["reference"]


def rolled():
    return rows().with_signals(correct=jnp.asarray(OUTCOME, jnp.float32))


def only(text):
    (scorer,) = scorers_of(text, SETTING)
    return scorer


def ask(scorer, rollout, state=()):
    """Its signals, from one program."""
    return jax.jit(lambda *x: scorer.score(*x, None))(state, CONTEXT, rollout)


@pytest.mark.parametrize("stacked", [False, True])
def test_what_leaves_inner_layers(stacked):
    """That of the last layer is the head's before the norm; both layouts agree."""
    config = dataclasses.replace(SMALL, num_layers=3, stacked=stacked)
    params, rollout = lm.init(config, jax.random.key(0)), rows()
    texts = rollout.prompts, rollout.prompt_mask, rollout.tokens, rollout.valid
    got = jax.jit(lm.inner, static_argnums=(0, 3))(config, params, texts, (1, 3))
    last = lm.states(config, params, *texts, after=True)
    power = np.mean(np.asarray(got[:, :, 1]) ** 2, axis=-1, keepdims=True)
    normed = got[:, :, 1] / np.sqrt(power + config.norm_eps) * params["final_norm"]
    valid = np.asarray(rollout.valid)
    np.testing.assert_allclose(normed[valid], last[valid], atol=1e-4)
    one = {"layers": jax.tree.map(lambda x: x[:1], lm.stacked(params)["layers"])}
    short = dataclasses.replace(config, num_layers=1, stacked=True)
    cut = {**{k: x for k, x in params.items() if k != "layers"}, **one}
    first = lm.inner(short, cut, texts, (1,))
    np.testing.assert_allclose(got[valid][:, 0], first[valid][:, 0], atol=1e-4)
    depths = Model(config).inner(params, rollout, (0.25, 0.5, 0.75))
    assert depths.shape == (*rollout.tokens.shape, 3, config.width)


def test_a_flow_of_no_velocity_scores_the_noise():
    """4 mean (h - noise)^2, h of mean square 1; the same noise for every row."""
    scorer, rollout = only("flow(width=8, blocks=1)"), rolled()
    state = scorer.init(CONTEXT, rollout)
    got = np.asarray(ask(scorer, rollout, state)["flow"])
    hidden = np.asarray(Model(SMALL).inner(POLICY, rollout, (1.0,)), np.float64)
    hidden /= np.sqrt(np.mean(hidden**2, axis=-1, keepdims=True) + 1e-6)
    noise = np.asarray(jax.random.normal(CONTEXT.key, hidden.shape[1:]))
    want = 4 * np.mean((hidden - noise) ** 2, axis=(2, 3))
    mask = np.asarray(rollout.mask)
    np.testing.assert_allclose(got, np.where(mask, want, 0), rtol=1e-4)
    order = np.array([1, 0, 2])
    turn = lambda x: x.reshape(PROMPTS, SAMPLES, -1)[:, order].reshape(x.shape)  # noqa: E731
    turned = dataclasses.replace(
        rollout, tokens=turn(rollout.tokens), valid=turn(rollout.valid), mask=turn(mask)
    )
    again = ask(scorer, turned, state)["flow"]
    np.testing.assert_allclose(again, turn(jnp.asarray(got)), rtol=1e-4)
    padded = dataclasses.replace(
        rollout, tokens=jnp.where(rollout.valid, rollout.tokens, 7)
    )
    same = ask(scorer, padded, state)["flow"]
    np.testing.assert_allclose(same, got, rtol=1e-5)


def test_a_flow_learns_of_frozen_states_of_right_rows():
    """Nobody right: nothing moves; wrong rows and the policy's weights do not count."""
    scorer, rollout = only("flow(width=8, blocks=1, draws=2)"), rolled()
    net = scorer.init(CONTEXT, rollout)
    net = jax.tree.map(lambda x: x + 0.05, net)
    scored = rollout.with_signals(**ask(scorer, rollout, net))

    @jax.jit
    def loss(net, rollout, context=CONTEXT):
        return scorer.fit.loss(net, context, rollout, None, None)[0]

    total = loss(net, scored)
    mask = np.asarray(rollout.mask)
    assert int(total.count) == mask[OUTCOME].sum()
    wrong = jnp.asarray(OUTCOME)[:, None] | ~scored.valid
    other = dataclasses.replace(scored, tokens=jnp.where(wrong, scored.tokens, 9))
    moved = CONTEXT._replace(params={"policy": FROZEN, "reference": FROZEN})
    for changed, context in ((other, CONTEXT), (scored, moved)):
        assert float(loss(net, changed, context).value) == pytest.approx(
            float(total.value), rel=1e-5
        )
    abstained = scored.with_signals(
        correct=jnp.where(OUTCOME, scored.signal("correct"), jnp.nan),
        correct_valid=jnp.asarray(OUTCOME),
    )
    assert float(loss(net, abstained).value) == pytest.approx(float(total.value))
    nobody = scored.with_signals(correct=jnp.zeros(len(OUTCOME)))
    assert float(loss(net, nobody).count) == 0
    grads = jax.jit(jax.grad(lambda net: loss(net, nobody).value))(net)
    assert all(not np.any(x) for x in jax.tree.leaves(grads))


@pytest.mark.parametrize("condition", ["same", "previous"])
def test_what_a_flow_is_conditioned_on(condition):
    """Another token's state changes its neighbour's score, or none."""
    scorer, rollout = (
        only(f"flow(width=8, blocks=1, condition='{condition}')"),
        rolled(),
    )
    net = jax.tree.map(lambda x: x + 0.05, scorer.init(CONTEXT, rollout))
    row = int(np.flatnonzero(np.asarray(rollout.valid).all(axis=1))[0])
    end = rollout.tokens.shape[1] - 1
    other = dataclasses.replace(
        rollout, tokens=rollout.tokens.at[row, end].set(63 - rollout.tokens[row, end])
    )
    a, b = (ask(scorer, x, net)["flow"][row] for x in (rollout, other))
    np.testing.assert_allclose(a[:end], b[:end], rtol=1e-5)
    with pytest.raises(ValueError, match="condition='nex' must be one of next, same"):
        only("flow(condition='nex')")


def test_ranks_and_their_running_means():
    """Two iterations against loops: the bonus reads the means from before its batch."""
    text = "states_after() | rank_bonus(stride=2, window=5)"
    sources = [Source("your", s) for s in scorers_of(text, SETTING)]
    found = plan({"the reward reads": ["rank_bonus"]}, [*sources, TASK])
    make = lambda hp: {s.name: s for _, s in [*sources, TASK]}  # noqa: E731
    driver = jit_driver(jax.devices()[:2])
    run = scoring(found, make, driver, 2)
    rollout, reward, context, batch = case()
    wide = jnp.zeros((*rollout.tokens.shape, SMALL.width))
    states = run.init(context, rollout.with_signals(hidden_after=wide))
    states = driver.replicate(jax.tree.map(jnp.copy, states))
    moving = ranks.Moving(jnp.zeros(3), jnp.zeros(()))
    here = np.asarray(rollout.mask).any(axis=1)
    measure = jax.jit(lambda h: ranks.rank_indicators(h, 2, 5))
    for _ in range(2):
        scored, states, _ = run.score(states, context, rollout, batch)
        rows = zip(scored.signals["hidden_after"], rollout.mask, strict=True)
        own = [measure(h[np.asarray(m)]) for h, m in rows]
        bonus = ranks.rank_bonus(jnp.stack(own), moving)
        got = scored.signals["rank_bonus"]
        np.testing.assert_allclose(got, np.where(here, bonus, 0), atol=2e-4)
        states, means = run.fit(states, context, scored, batch, reward)
        fresh = jnp.stack(own)[here].mean(axis=0), 2 * OUTCOME[here].mean() - 1
        moving = ranks.Moving(
            *(0.7 * a + 0.3 * b for a, b in zip(moving, fresh, strict=True))
        )
        kept = states["rank_bonus"].params
        np.testing.assert_allclose(kept.indicators, moving.indicators, atol=1e-4)
        assert float(kept.score) == pytest.approx(float(moving.score), abs=1e-6)
        assert float(means["scorers/rank_bonus/rank"]) == pytest.approx(
            float(fresh[0][2]), rel=1e-4
        )


def test_relevance_is_a_cosine_of_mean_states():
    """Against one call a text; the prompt said again is as relevant as can be."""
    rollout = rolled()
    order = np.argsort(~np.asarray(rollout.prompt_mask), axis=1, kind="stable")
    asked = jnp.asarray(np.take_along_axis(np.asarray(rollout.prompts), order, 1))
    there = np.take_along_axis(np.asarray(rollout.prompt_mask), order, 1)
    size, first = asked.shape[1], np.arange(PROMPTS) * SAMPLES
    rollout = dataclasses.replace(
        rollout,
        tokens=rollout.tokens.at[first, :size].set(asked),
        valid=rollout.valid.at[first].set(False).at[first, :size].set(there),
    )
    got = np.asarray(ask(only("relevance()"), rollout)["relevance"])
    np.testing.assert_allclose(got[first], 1, rtol=1e-5)
    states_of = jax.jit(lm.states, static_argnums=(0, 6))

    def mean(text, start):
        begin = jnp.asarray([[start]])
        case = begin, begin >= 0, text[None], jnp.ones((1, len(text)), bool)
        total = np.asarray(states_of(SMALL, FROZEN, *case, True))[0].sum(axis=0)
        return total / np.linalg.norm(total)

    for n in (1, 4, 5):
        b = n // SAMPLES
        said = rollout.tokens[n][np.asarray(rollout.valid)[n]]
        start = int(rollout.prompts[b, -1])
        if not len(said):
            assert got[n] == 0
            continue
        want = mean(asked[b][there[b]], start) @ mean(said, start)
        assert got[n] == pytest.approx(max(want, 0), abs=1e-5)


def test_importance_is_how_far_a_group_disagrees():
    """Against loops over whole distributions; a group of one, or of equals, gives 1."""
    rollout = rolled()
    got = np.asarray(ask(only("importance()"), rollout)["importance"])
    want, size = known(), SMALL.vocab_size
    width = rollout.tokens.shape[1]
    for b in range(PROMPTS):
        spread = np.zeros(width)
        for t in range(width):
            at = [(n, t) for n in range(b * SAMPLES, (b + 1) * SAMPLES)]
            uniform = np.full(size, 1 / size)
            logp = np.stack([np.log(want.get(x, uniform)) for x in at])
            gap = np.clip(logp.mean(axis=0) - logp, -11, 11)
            spread[t] = np.mean(np.sum(np.exp(gap) - gap - 1, axis=1))
        weight = 1 + 0.7 * (spread - spread.min()) / (np.ptp(spread) + 1e-8)
        for n in range(b * SAMPLES, (b + 1) * SAMPLES):
            here = np.asarray(rollout.mask)[n]
            np.testing.assert_allclose(got[n], np.where(here, weight, 0), rtol=2e-3)
    alone = dataclasses.replace(
        rollout,
        prompts=rollout.prompts[rollout.group],
        prompt_mask=rollout.prompt_mask[rollout.group],
        group=jnp.arange(len(OUTCOME), dtype=jnp.int32),
    )
    one = ask(only("importance()"), alone)["importance"]
    np.testing.assert_array_equal(one, np.asarray(rollout.mask, np.float32))


TASK = Source(
    "the task's",
    only("finished()")._replace(
        name="outcome",
        provides={"correct": "N"},
        place="batch",
        score=lambda state, context, rollout, batch: {
            "correct": jnp.asarray(OUTCOME, jnp.float32)
        },
    ),
)
