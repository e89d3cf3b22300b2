"""Several updates from one rollout, each on a part of its prompts."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from test_learner import AGGREGATES, B, G, T, V, bigram, make_rollout, train

from rewardlab import METHODS, objectives
from rewardlab.core.compose import estimator
from rewardlab.core.types import place
from rewardlab.learning.learner import Parts, learner
from rewardlab.learning.mini_batches import _parts, _put_back, micro_batches_in
from rewardlab.learning.parallel import jit_driver, pmap_driver
from rewardlab.methods import sentence
from rewardlab.objectives.updates import ONCE, Updates, mini_batches
from rewardlab.runs.builders import build_optimizer, updates_of
from rewardlab.runs.config import default_config
from rewardlab.runs.validate import validate

START = {"table": jax.random.normal(jax.random.key(0), (V, V))}
TEXT = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
BY_ROW, BY_TOKEN = objectives.sequence_mean(), objectives.token_mean()


def one_device():
    return jit_driver(jax.devices()[:1])


def learning(loss, optimizer, updates=ONCE, aggregate=BY_ROW):
    """A learner whose loss is `loss`, on one device."""
    parts = Parts(
        bigram,
        estimator(sentence.build(TEXT)),
        lambda state, r: place(r.signals["correct"][:, None], r.mask),
        objectives.objective(loss, aggregate=aggregate),
        optimizer,
    )
    return learner(lambda hp: parts, one_device(), updates, on_policy=True)


def only(rollout, prompts):
    """The rollout of some of its prompts."""
    rows = np.concatenate([np.arange(p * G, p * G + G) for p in prompts])
    return dataclasses.replace(
        rollout,
        prompts=rollout.prompts[jnp.asarray(prompts)],
        prompt_mask=rollout.prompt_mask[jnp.asarray(prompts)],
        group=jnp.repeat(jnp.arange(len(prompts)), G),
        signals={k: x[rows] for k, x in rollout.signals.items()},
        **{
            name: getattr(rollout, name)[rows]
            for name in ("tokens", "mask", "valid", "step", "logp")
        },
    )


def test_mini_batches_are_updates_on_every_fourth_prompt():
    """A loop over parts, each against the log-probs that were sampled with."""
    rollout, number = make_rollout(), 4
    loss, optimizer = objectives.clipped(0.2, 0.28, 3.0), optax.adam(0.1)
    learn = learning(loss, optimizer, mini_batches(number))
    state, report = learn.update(learn.init(START, rollout), rollout)
    parts = Parts(bigram, *[None] * 4)._replace(
        estimator=estimator(sentence.build(TEXT)),
        reward=lambda state, r: place(r.signals["correct"][:, None], r.mask),
        objective=objectives.objective(loss, aggregate=BY_ROW),
        optimizer=optimizer,
    )
    each = learner(lambda hp: parts, one_device())
    want = each.init(START, rollout)
    losses, counts = [], []
    for k in range(number):
        part = only(rollout, range(k, B, number))
        want, found = each.update(want, part)
        losses.append(float(found.metrics["loss"]))
        counts.append(float(jnp.sum(jnp.any(part.mask, axis=1))))
    got, table = state.params["table"], want.params["table"]
    np.testing.assert_allclose(got, table, atol=1e-6)
    assert np.abs(got - START["table"]).max() > 0.1
    mean = np.dot(losses, counts) / np.sum(counts)
    assert float(report.metrics["loss"]) == pytest.approx(mean, rel=1e-4)
    assert (int(state.step), int(state.opt[0].count)) == (1, number)


@pytest.mark.parametrize("name", ["token_mean", "constant"])
def test_mini_batches_agree_on_any_cut(name):
    """Rows are prompt by prompt, and groups are whole, on any number of devices."""
    aggregate, two = AGGREGATES[name], mini_batches(2)
    one = train(one_device(), aggregate, updates=two)[0]
    assert np.abs(one - train(one_device(), aggregate)[0]).max() > 1e-3
    cuts = {
        "2 by jit": (jit_driver(jax.devices()[:2]), 1),
        "micro-batched": (one_device(), 4),
        "4 by pmap, micro-batched": (pmap_driver(jax.devices()[:4]), 2),
    }
    for cut, (driver, micro) in cuts.items():
        other = train(driver, aggregate, micro, updates=two)[0]
        np.testing.assert_allclose(other, one, atol=1e-5, err_msg=cut)


def test_rows_come_back_in_their_order():
    rollout = make_rollout()
    rows = {"row": jnp.arange(B * G), "prompt": jnp.arange(B)}
    cut, parts = _parts(rollout, rows, 4)
    assert parts["prompt"].tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert parts["row"][1].tolist() == [4, 5, 6, 7, 20, 21, 22, 23]
    assert cut.group[3].tolist() == [0] * G + [1] * G
    np.testing.assert_array_equal(cut.tokens[1, 4:], rollout.tokens[20:24])
    np.testing.assert_array_equal(_put_back(parts["row"], B), rows["row"])
    np.testing.assert_array_equal(_put_back(cut.mask, B), rollout.mask)


def test_a_part_without_rows_changes_nothing():
    """Neither parameters nor the optimizer, whose momentum would go on."""
    rollout = make_rollout()
    empty = jnp.arange(B * G) // G % 4 == 3
    rollout = dataclasses.replace(rollout, mask=rollout.mask & ~empty[:, None])
    tables = []
    for given in (rollout, only(rollout, [0, 1, 2, 4, 5, 6])):
        number = given.prompts.shape[0] // 2
        learn = learning(objectives.clipped(), optax.adam(0.1), mini_batches(number))
        state, report = learn.update(learn.init(START, given), given)
        assert float(report.metrics["skipped"]) == 0 and int(state.opt[0].count) == 3
        tables.append(state.params["table"])
    np.testing.assert_allclose(*tables, atol=1e-6)


def test_not_finite_in_one_part_is_a_skipped_update():
    """The other parts are learned from; the iteration counts as skipped."""
    rollout = make_rollout()
    logp = rollout.logp.at[B * G - 1].set(jnp.nan)
    learn = learning(objectives.clipped(), optax.sgd(0.1), mini_batches(4))
    bad = dataclasses.replace(rollout, logp=logp)
    state, report = learn.update(learn.init(START, bad), bad)
    assert float(report.metrics["skipped"]) == 0.25 and int(state.skipped) == 1
    assert np.isfinite(state.params["table"]).all()
    assert np.any(state.params["table"] != START["table"])


# The row's loss with its own numbers, and its own updates.
ROWS = ("dapo", "gspo", "cispo", "sapo", "gmpo", "vespo")


def tables(updates):
    """The parameters after one iteration from the policy that sampled, by row.

    `updates` of each row; the average is by row for all, so that the losses differ.
    """
    rollout = make_rollout()
    rollout = dataclasses.replace(rollout, logp=bigram(START, rollout).logp)
    found = {}
    for name in ROWS:
        first = METHODS[name].tree("loss").parts[0]
        args = [getattr(x, "value", x) for x in first.args]
        kwargs = {k: getattr(x, "value", x) for k, x in first.kwargs.items()}
        loss = first.make(*args, **kwargs)
        learn = learning(loss, optax.sgd(5.0), updates(name))
        state, _ = learn.update(learn.init(START, rollout), rollout)
        found[name] = np.asarray(state.params["table"])
    return found


def test_policy_losses_are_one_at_one_update_and_themselves_at_their_own():
    """At the policy that sampled every ratio is 1, and so every gradient the same."""

    def own(name):
        config = default_config()
        config.reward = name
        return updates_of(config)

    once, often = tables(lambda name: ONCE), tables(lambda name: mini_batches(4))
    assert np.abs(once["gspo"] - START["table"]).max() > 0.1
    for one, other in itertools.combinations(ROWS, 2):
        np.testing.assert_allclose(once[one], once[other], atol=1e-5)
        assert np.abs(often[one] - often[other]).max() > 1e-3, (one, other)
    for name, table in tables(own).items():
        assert own(name).steps > 1
        assert np.abs(table - once[name]).max() > 1e-2, name


def test_a_rows_number_is_fitted_to_the_batch_and_ones_own_is_refused():
    assert Updates(16, 2).fitted(8) == Updates(8, 2)
    assert Updates(6).fitted(8) == Updates(4) and Updates(3).fitted(1) == ONCE
    made = default_config()
    made.reward = "dapo"
    assert updates_of(made) == Updates(16)
    validate(made, devices=2)
    made.updates = "mini_batches(4) | epochs(2)"
    assert updates_of(made) == Updates(4, 2)
    validate(made, devices=2)
    made.updates = "mini_batches(3)"
    with pytest.raises(ValueError, match="the 8 prompts of a device evenly; use one"):
        validate(made, devices=2)


def test_a_pass_never_sees_more_prompts_than_a_micro_batch():
    """Of 16 prompts: 4 a pass; a mini-batch of 2 is small enough already."""
    assert micro_batches_in(16, 1, 4) == 4 and micro_batches_in(16, 8, 4) == 1
    assert micro_batches_in(16, 2, 4) == 2 and micro_batches_in(12, 3, 4) == 2


def test_schedules_count_optimizer_steps():
    """Half of all steps of a linear schedule leave half of the learning rate."""
    config = default_config()
    config.optim.update({"name": "sgd", "lr": 1.0, "schedule": "linear", "b1": 0.0})
    config.optim.max_grad_norm = 0.0
    config.train.max_steps, config.updates = 10, "mini_batches(4) | epochs(2)"
    optimizer = build_optimizer(config, devices=2)
    state = optimizer.init(jnp.zeros(1))
    for _ in range(41):
        update, state = optimizer.update(jnp.ones(1), state)
    assert float(update[0]) == pytest.approx(-0.5)


def test_the_old_log_probs_of_later_parts_are_as_they_were_sampled():
    """A whole rollout's first update takes its own; a part of it cannot."""
    rollout = make_rollout()
    assert T == rollout.mask.shape[1]
    tables = []
    for updates in (ONCE, mini_batches(8)):
        both = []
        for shift in (0.0, 0.1):
            moved = dataclasses.replace(rollout, logp=rollout.logp + shift)
            loss = objectives.clipped(1e9)
            learn = learning(loss, optax.sgd(0.1), updates, BY_TOKEN)
            both.append(learn.update(learn.init(START, moved), moved)[0].params)
        tables.append(np.abs(both[0]["table"] - both[1]["table"]).max())
    assert tables[0] == 0 and tables[1] > 1e-4
