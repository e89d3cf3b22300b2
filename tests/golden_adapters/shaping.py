"""Clipping and Delta, PAR and its relatives, LSC, gated accumulation."""

import re

import jax
import numpy as np

from golden_adapters.common import given, per_row, rollout_of, sentence, values
from rewardlab import build
from rewardlab.contrib.extremes import Extremes


def clip_delta(inputs, hyper):
    """One row, one token a step; returns are read at the step's token."""
    steps = len(inputs["step_scores"])
    rollout = rollout_of(
        np.ones((1, steps)),
        step=np.arange(steps)[None],
        prm=[inputs["step_scores"]],
        correct=[inputs["success"]],
    )
    clip, out = f"clip_reward({inputs['eta']})", {}
    rows = {"clip": clip, "delta": "delta()", "clip_delta": f"{clip} | delta()"}
    for method, shape in rows.items():
        name = method.replace("_", "_then_")
        out[name] = values(f"process('prm') | {shape}", rollout)[0]
        text = sentence(method, center_by_group="")
        hp = given(text, eta=inputs["eta"], alpha=inputs["alpha"])
        out[f"return_{name}"] = values(text, rollout, **hp)[0]
    return out


def _par_stages(c):
    """PAR's shaper as a sentence: its stages in order, each if its flag is set."""
    top, count, k = c["reward_ceil"], c["reward_maxref"], c["sigmoid_k"]
    penalised = c["reward_penalize_length"] and not c["reward_odin"]
    limit = f"after={c['gen_valid_len']}, rate={c['len_penalty']}"
    near = f"num_references={count}"

    def squash(shape):
        return f"relative('ref', {shape}, {near})" if c["reward_relative"] else shape

    cap = (top is not None, f"cap({top})")
    lsc = "minus_reference_normal_quantile('ref') | log_sigmoid()"
    stages = [
        cap,
        (penalised, f"length_penalty({limit})"),
        (c["reward_centered"], f"minus_reference_mean('ref', {near})"),
        (c["reward_sgfc"], f"relative('ref', sigmoid(k={k}, at=3), {near})"),
        (c["reward_meanstd"], "standardize_by_history()"),
        (c["reward_clipping"], "clip_by_history()"),
        cap,
        (c["reward_minmax"], "minmax_by_history()"),
        (c["reward_sigmoid"], squash(f"sigmoid(k={k})")),
        (c["reward_tanh"], squash("tanh()")),
        (c["reward_fittedpoly"], squash("fitted_polynomial()")),
        (c["reward_lsc"], lsc),
    ]
    return " | ".join(["outcome('score')"] + [text for on, text in stages if on])


def par_shaping(inputs, hyper):
    """Consecutive batches through one transform whose state is carried.

    The reference keeps all its statistics at once; ours keep what they use, so they are
    read from a sentence that ends in each kind of history.
    """
    text = _par_stages({**hyper["defaults"], **inputs["config"]})
    shaped, _ = _par_batches(text, inputs)
    running = {"n": 0, "mean": 0.0, "var": 0.0, "max": -10000, "min": 10000}
    if history := re.search(r"\w+_by_history\(\)", text):
        before = text[: history.start()]
        for word in ("standardize_by_history()", "minmax_by_history()"):
            _, states = _par_batches(before + word, inputs)
            running |= _statistics(states[-1])
    return {"shaped": shaped, "running": running}


def _par_batches(text, inputs):
    transform = build(text)
    update, state, shaped = jax.jit(transform.update), None, []
    columns = ("rewards", "ref_rewards", "response_lengths")
    batches = zip(*(inputs[c] for c in columns), strict=True)
    width = int(np.max(inputs["response_lengths"]))
    for rewards, refs, lengths in batches:
        mask = np.arange(width) < np.asarray(lengths)[:, None]
        rollout = rollout_of(mask, score=rewards, ref=refs)
        state = transform.init(rollout) if state is None else state
        channels, state = update({}, state, rollout)
        shaped.append(np.sum(channels["score"].value, axis=1))
    return shaped, state


def _statistics(state):
    if isinstance(state, Extremes):
        return {"max": float(state.high), "min": float(state.low)}
    n, mean, m2 = (float(x) for x in state)
    return {"n": n, "mean": mean, "var": m2 / n}


def lsc(inputs, hyper):
    """Both reference points: the empirical quantile, and PAR's normal one."""
    kinds = {
        "gaussian": "minus_reference_normal_quantile",
        "empirical": "minus_reference_quantile",
    }
    rewards, out = np.asarray(inputs["reward"], float), {}
    signals = {"score": rewards, "zero": 0 * rewards, "ref": inputs["ref_rewards"]}
    rollout = rollout_of(per_row(rewards), **signals)
    for kind, word in kinds.items():
        move = f"{word}('ref', quantile={inputs['quantile']})"
        label = f"ref_{kind}" + ("(PAR code)" if kind == "gaussian" else "")
        out[label] = -values(f"outcome('zero') | {move}", rollout)[:, 0]
        text = f"outcome('score') | {move} | log_sigmoid()"
        out[f"u_{kind}"] = values(text, rollout)[:, 0]
    return out


def g_ra(inputs, hyper):
    """One token a step, all of them the policy's; unmasked steps have no reward."""
    steps = np.asarray(inputs["step_rewards"], float)
    n, count = steps.shape
    rollout = rollout_of(
        np.ones((n, count)),
        step=np.tile(np.arange(count), (n, 1)),
        prm=steps,
        prm_valid=np.asarray(inputs["step_mask"], bool),
        correct=inputs["outcome"],
    )
    open_ = sentence("g_ra", center_by_group="", scale_by_group_std="")
    text = open_.replace(" | broadcast_to_tokens()", "")
    threshold = inputs["threshold"]
    strict = text.replace("threshold)", "threshold, strict=True)")
    hp = {"threshold": threshold}
    free = " | ".join(p for p in text.split(" | ") if "gated" not in p)
    return {
        "total_gate_geq": values(text, rollout, **hp).sum(1),
        "total_gate_gt": values(strict, rollout, **hp).sum(1),
        "direct_accumulation": values(free, rollout).sum(1),
    }


ADAPTERS = {
    "clip_delta": clip_delta,
    "par_shaping": par_shaping,
    "lsc_transform": lsc,
    "g_ra": g_ra,
}
NAN_IS = {"par_shaping": "min-max of a batch in which all is equal gives 0"}
