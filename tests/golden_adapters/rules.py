"""Rules on lengths, routes, boxes and tables."""

import itertools

import jax
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    as_array,
    given,
    rollout_of,
    sentence,
    values,
)
from rewardlab import METHODS, build
from rewardlab.rules import (
    answers,
    boxes,
    ngrams,
    partial_credit,
    router,
    similarity,
    sql,
)
from rewardlab.transforms.sources.surprise import self_certainty

BASELINES = ("center_by_group", "scale_by_group_std", "broadcast_to_tokens")


def _summed(method, signals, **hp):
    """The sum of a row's sentence, before any baseline, for one completion.

    Numbers of the row that `hp` does not give are the row's own.
    """
    words = [p.split("(")[0] for p in sentence(method).split(" | ")]
    text = sentence(method, **{w: "" for w in BASELINES if w in words})
    hp = given(text, **{**METHODS[method].hp, **hp})
    return values(text, rollout_of([[1]], **_rows(signals)), **hp)[0, 0]


def _rows(signals):
    return {name: np.asarray([float(x)]) for name, x in signals.items()}


def cosine(inputs, hyper):
    """One completion of each length, all with the same text and score."""
    lengths, score = np.asarray(inputs["gen_lengths"]), float(inputs["score"])
    n = len(lengths)
    words = ngrams.repetition(inputs["text"], inputs["repetition_ngram_size"])
    penalty = inputs["repetition_max_penalty"] * words
    # a completion of no tokens holds its outcome on an environment's: the reference
    # has a length of 0
    out = np.zeros(n)
    exceed = inputs["exceed_length"]
    pairs = [
        (inputs["min_value_correct"], inputs["max_value_correct"]),
        (inputs["min_value_wrong"], inputs["max_value_wrong"]),
    ]
    text = (
        f"outcome('score') | cosine_length({inputs['max_len']}, correct={pairs[0]},"
        f" wrong={pairs[1]}, exceed={0.0 if exceed is None else exceed},"
        f" margin={inputs.get('margin', 16)}, wrong_penalty='again')"
    )
    for i, length in enumerate(lengths):
        mask = np.ones((1, max(int(length), 1)))
        rollout = rollout_of(mask, score=[score], again=[float(penalty)])
        value = values(text, rollout)[0, -1]
        out[i] = value if length else np.nan
    return {"reward": np.ma.masked_invalid(out) if 0 in lengths else out}


def router_r1(inputs, hyper):
    """A stream of costs, one row a batch, or a text with its cost in [0, 1]."""
    if "token_price_product" in inputs:
        return {"normalised": _stream(inputs["token_price_product"])}
    text, gold, cost = inputs["text"], inputs["gold"], inputs.get("api_cost", 0.0)
    form = router.form(text, lambda name: "qwen" in name or "llama" in name)
    said, out = answers.tagged(text), {"format": form}
    f1, em = answers.word_f1(said, gold), answers.exact_match(said, gold)
    # the reference's metric of a wrong answer is the form's reward in its EM branch
    metric = {"f1": f1, "em": em if em or said is None else form}
    for (name, score), alpha in itertools.product(
        (("f1", f1), ("em", em)),
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    ):
        words = dict.fromkeys(("on", "center_by_group", "broadcast_to_tokens"), "")
        signals = _rows({"form": form, "correct": score, "cost": cost})
        reward = values(
            sentence("router_r1", **words),
            rollout_of([[1]], **signals),
            right=1 - alpha,
            cheap=alpha,
        )[0, 0]
        out[f"{name}_alpha{alpha}"] = [metric[name], cost, reward]
    return out


def _stream(costs):

    transform, state, out = build("outcome('c') | cost_quantile_score()"), None, []
    update = jax.jit(transform.update)
    for cost in costs:
        rollout = rollout_of([[1]], c=[float(cost)])
        state = transform.init(rollout) if state is None else state
        rewards, state = update({}, state, rollout)
        out.append(float(rewards["c"].value[0, 0]))
    return out


def gui_g1(inputs, hyper):
    """The three parts with the weights of the sentence; no box gives 0."""
    box, true = inputs["pred"], inputs["gt"]
    width = inputs.get("width", inputs.get("w"))
    height = inputs.get("height", inputs.get("h"))
    box = boxes.read_box(box) if isinstance(box, str) else box
    parts = dict.fromkeys(("hit", "overlap", "corners"), 0.0)
    if box is not None:
        parts["hit"], parts["overlap"] = boxes.hit(box, true), boxes.iou(box, true)
        if width is not None:
            parts["corners"] = boxes.corners(box, true, width, height)
    words = dict.fromkeys(parts, 0.0)
    worth = {k: _summed("gui_g1_boxes", {**words, k: v}) for k, v in parts.items()}
    return {
        **dict.fromkeys(("iou_reward", "iou_x0.25"), worth["overlap"]),
        **dict.fromkeys(("hit_reward", "hit"), worth["hit"]),
        **dict.fromkeys(("box_reward", "box_x0.125"), worth["corners"]),
        **dict.fromkeys(("total", "sum"), _summed("gui_g1_boxes", parts)),
    }


def medix(inputs, hyper):
    theirs = {"judge": "llm", "embedding": "embed"}
    names = ("judge", "embedding", "modality", "format")
    signals = {name: inputs[theirs.get(name, name)] for name in names}
    return {"overall": _summed("medix_r1", signals)}


def bmas(inputs, hyper):
    table = np.asarray(next(iter(inputs.values())), float)
    return {
        "max_per_pred_mean": similarity.best_match(table),
        "max_per_ref_mean": similarity.best_match(table.T),
        "bmas_mean": similarity.bidirectional_best_match(table),
    }


def shop_r1(inputs, hyper):
    """How certain a model was; the reward of an action is read in another way there."""
    if "p[N,V]" not in inputs:
        raise NoAdapter("the reward of an action is not verified")
    p = as_array(inputs["p[N,V]"])
    with np.errstate(divide="ignore"):
        logits = np.log(np.asarray(p))[None]
    mask = np.ones(logits.shape[:2], bool)
    flat = self_certainty(0 * as_array(mask)[..., None] + np.zeros(p.shape[1]), mask)
    return {"s": self_certainty(as_array(logits), mask)[0], "uniform": flat[0]}


def reasoning_sql(inputs, hyper):
    pair = inputs["pred"], inputs["gold"]
    return {
        "token_set_jaccard": sql.token_overlap(*pair),
        "bigram_jaccard": sql.ngram_overlap(*pair),
        "trigram_jaccard": sql.ngram_overlap(*pair, n=3),
    }


def duration_partial_credit(inputs, hyper):
    """Durations of one-step rows as weights of their scores, or the credit of one."""
    if "duration" not in inputs:
        return _credit(inputs)
    duration = np.asarray(inputs["duration"], float)
    rollout = rollout_of(
        np.ones((1, len(duration))),
        step=np.arange(len(duration))[None],
        duration=duration[None],
        one=np.ones((1, len(duration))),
        score=[inputs.get("score", np.ones(len(duration)))],
    )
    weighed = " | weigh_by_duration('duration')"
    return {
        "weight": values("dense('one')" + weighed, rollout)[0],
        "weighted_score": values("dense('score')" + weighed, rollout)[0],
    }


def _credit(inputs):
    score = inputs.get("grader_score", inputs.get("score"))
    matched = inputs.get("matched", inputs.get("matched_prints", inputs.get("matches")))
    if matched is None:
        raise NoAdapter("neither durations nor matched lines")
    each = [
        partial_credit.partial_credit(s, m)
        for s, m in zip(np.atleast_1d(score), np.atleast_1d(matched), strict=True)
    ]
    out = each if np.ndim(matched) else each[0]
    return dict.fromkeys(("reward", "credit", "partial_credit"), out)


ADAPTERS = {
    "cosine_reward": cosine,
    "router_r1": router_r1,
    "gui_g1": gui_g1,
    "gui_g1_rewards": gui_g1,
    "medix": medix,
    "bmas": bmas,
    "shop_r1": shop_r1,
    "reasoning_sql": reasoning_sql,
    "duration_partial_credit": duration_partial_credit,
}
