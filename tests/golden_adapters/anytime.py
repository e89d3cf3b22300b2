"""AnytimeReasoner: thinking scored at several budgets, and its summaries."""

import numpy as np

from golden_adapters.common import advantages, rollout_of, sentence, values

SUMMARY = "on('summary', center_within_row('split', keep_singletons=True))"


def brpo(inputs, hyper):
    """Per chunk, per summary and per token."""
    return {**_chunks(inputs), **_summaries(inputs), **_tokens(inputs)}


def _scores(inputs):
    """The mean of the A summaries of each budget."""
    scores = np.asarray(inputs["summary_scores"], float)
    return scores.reshape(len(scores), inputs["S"], inputs["A"]).mean(axis=2)


def _group(inputs):
    return np.arange(len(inputs["summary_scores"])) // inputs["G"]


def _thinking(inputs):
    """The words for the chunks, with the baseline that the case asks for."""
    prior = tuple(inputs["budget_probs"])
    kinds = {
        "v1only": (1.0,) * inputs["S"],
        "v2only": (0.0,) * inputs["S"],
        "brpo": (),
        "notrain": (),
    }
    source = f"budget_returns('budget_score', prior={prior})"
    centre = (
        f"center_by_budgets('budget_score', prior={prior}, own_share={{}}, "
        "keep_singletons=True)"
    )
    used = kinds.get(inputs["variance_reduction"])
    return source, centre, "" if used is None else centre.format(used), kinds


def _chunks(inputs):
    """All S chunks of every row, also those after its thinking ended."""
    score = _scores(inputs)
    step = np.tile(np.arange(inputs["S"]), (len(score), 1))
    rollout = rollout_of(
        np.ones(score.shape), group=_group(inputs), step=step, budget_score=score
    )
    source, centre, chosen, kinds = _thinking(inputs)
    returns = values(source, rollout)
    v1, v2 = (
        returns - values(f"{source} | {centre.format(kinds[k])}", rollout)
        for k in ("v1only", "v2only")
    )
    out = values(f"{source} | {chosen}" if chosen else source, rollout)
    trained = inputs["variance_reduction"] != "notrain"
    split = np.asarray(inputs["split_id"])
    return {
        "cot_advantage": out * trained,
        "v1": v1,
        "v2": v2,
        "cot_return": returns,
        "cot_mask": np.arange(inputs["S"]) <= split.max(axis=1)[:, None],
    }


def _summaries(inputs):
    """One token a summary: against those of the same thinking, or of the group."""
    scores = np.asarray(inputs["summary_scores"], float)
    step = np.tile(np.arange(scores.shape[1]), (len(scores), 1))
    rollout = rollout_of(
        np.ones(scores.shape),
        group=_group(inputs),
        step=step,
        summary=scores,
        split=np.asarray(inputs["split_id"]),
    )
    word = "center_within_row('split', keep_singletons=True)"
    within = values(f"process('summary') | {word}", rollout)
    alone = "process('summary') | center_by_group_position()"
    found = values(alone, rollout) if inputs["A"] == 1 else within
    mean = values("process('summary') | center_within_row('split')", rollout)
    return {
        "summary_advantage": found,
        "budget_scores": (scores - mean)[:, :: inputs["A"]],
    }


def _tokens(inputs):
    """The whole sentence on rows of thinking and summaries laid end to end."""
    spans = np.asarray(inputs["prompt_len"])
    rows, count, _ = spans.shape
    chunks, width = inputs["S"], int(spans.max())
    mask = np.zeros((rows, width), bool)
    step = np.zeros((rows, width), int)
    last = inputs["summary_method"] == "grpo"  # only the last summary is trained
    for i, j in np.ndindex(rows, count):
        start, end, _, answer, stop = spans[i, j]
        here = slice(start, end)
        mask[i, here], step[i, here] = True, inputs["split_id"][i][j]
        trained = not last or j == count - 1
        mask[i, answer:stop], step[i, answer:stop] = trained, chunks + j
    order = np.where(mask, step, 0)
    blank = np.zeros((rows, chunks))
    summary = _summaries(inputs)["summary_advantage"]
    alone = inputs["A"] == 1
    if not alone:
        summary = np.asarray(inputs["summary_scores"], float)
    rollout = rollout_of(
        mask,
        group=_group(inputs),
        step=np.where(mask, order, step),
        budget_score=_scores(inputs),
        summary=np.concatenate([blank, summary], axis=1),
        summary_valid=np.arange(chunks + count)[None] >= chunks + 0 * blank[:, :1],
        split=np.concatenate([0 * blank, inputs["split_id"]], axis=1).astype(int),
    )
    source, _, chosen, _ = _thinking(inputs)
    on = f"budget_score={int(inputs['variance_reduction'] != 'notrain')}"
    text = sentence(
        "brpo",
        budget_returns=source,
        center_by_budgets=chosen,
        on="" if alone else SUMMARY,
        weighted_sum=f"weighted_sum({on}, summary=1)",
    )
    out = advantages(text, rollout)
    ends = spans[:, :, 4].max(axis=1)
    return {
        "token_advantage": [list(a[:e]) for a, e in zip(out, ends, strict=True)],
        "token_trainable": [list(m[:e] * 1) for m, e in zip(mask, ends, strict=True)],
    }


ADAPTERS = {"brpo": brpo}
LOOSE_64 = {"brpo": (1e-7, "its scores per budget are float32")}
