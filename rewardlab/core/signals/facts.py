"""Signals that say what happened: log-probs, entropies, ids, counts, costs."""

from rewardlab.core.signals.draws import (
    above_one,
    count,
    counts,
    eighths,
    few,
    flag,
    flags,
    importance,
    integers,
    logprob,
    nats,
    normal,
    often,
    parts,
    segments,
    share,
    tree,
    verdict,
)
from rewardlab.core.signals.signal import Signal

FACTS: dict[str, Signal] = {
    "goal_nearness": Signal(
        "NS",
        "nearness of success after each step, on the group's graph of states",
        share,
        abstains=True,
    ),
    "turn_entropy": Signal(
        "NS",
        "mean entropy of the policy over each turn's tokens, nats",
        nats,
        abstains=True,
    ),
    "hindsight_logp": Signal(
        "NT", "log-probs with the end of the row before the prompt, nats", logprob
    ),
    "clip_scale": Signal(
        "NT", "what a token's clip range is multiplied by", importance
    ),
    "agent": Signal("NS", "an id of who wrote each turn", integers(0, 2)),
    "peers": Signal("NS", "an id of the turns that each is compared with", few),
    "trajectory_weight": Signal(
        "NS", "1 / (turns of the agent's trajectory that each turn is of)", parts
    ),
    "tool_used": Signal("N", "whether a tool answered", often),
    "before_result": Signal("NT", "the tokens before the first tool's answer", flag),
    "similarity": Signal("N", "similarity to the reference answer, in [0, 1]", share),
    "duration": Signal("NS", "seconds that each action took", nats),
    "is_answer": Signal("NT", "the tokens of the final answer", flag),
    "sum_pi_squared": Signal(
        "NT", "sum of the squared probabilities of the next token", above_one
    ),
    "mean_logp": Signal(
        "NT", "mean log-prob of the vocabulary under the sampler, nats", logprob
    ),
    "ref_logp": Signal("NT", "log-probs under the reference policy, nats", logprob),
    "anchor": Signal("NS", "an id of the state that each step starts from", few),
    "match": Signal("NS", "whether the step agrees with the expert's", flags),
    "is_call": Signal("NT", "the tokens of tool calls", flags),
    "node": Signal("NT", "an id of the token's branch in a tree of rollouts", tree),
    "previous_logp": Signal(
        "NT", "log-probs under the policy of some iterations before, nats", logprob
    ),
    "teacher_logp": Signal("NT", "log-probs under a teacher, nats", logprob),
    "flow": Signal("NT", "the error of a flow model on the token's hidden state", nats),
    "sampler_logp": Signal(
        "NT", "log-probs under the engine that sampled, nats", logprob
    ),
    "top_ids": Signal(
        "NTK", "the sampler's likeliest next tokens, the sampled one's among them", few
    ),
    "top_logp": Signal("NTK", "log-probs of `top_ids` where it sampled, nats", logprob),
    "difficulty": Signal("N", "how hard the prompt is, in [0, 1]", share),
    "prm_logp": Signal(
        "NT", "log-probs under the implicit reward model, nats", logprob, abstains=True
    ),
    "split": Signal("NS", "an id of the thinking that each summary follows", few),
    "entropy": Signal(
        "NT", "entropy of the sampler's next-token distribution, nats", nats
    ),
    "rank_bonus": Signal("N", "change of the effective rank of hidden states", normal),
    "ref_score": Signal("NR", "scores of reference answers to the prompt", normal),
    "self_score": Signal("N", "the policy's own verdict, from its last token", verdict),
    "finished": Signal("N", "1 where the completion was not cut off", often),
    "importance": Signal("NT", "a weight of each token", importance),
    "calls": Signal("N", "how many tools were called", count),
    "flaws": Signal("NS", "how many critics find the step wrong", count, abstains=True),
    "iou": Signal(
        "NS",
        "overlap of the retrieved frames with the true ones, in [0, 1]",
        share,
        abstains=True,
    ),
    "parsed": Signal("N", "whether the answer could be read", often),
    "success": Signal(
        "NV",
        "chance of success before each step and after the last",
        share,
        abstains=True,
    ),
    "thinking": Signal(
        "N", "a judge's score of the reasoning, in [0, 1]", share, abstains=True
    ),
    "answer_id": Signal(
        "N",
        "a number for the answer that was given; -1 where there is none",
        integers(-1, 3),
        abstains=True,
    ),
    "partner": Signal("N", "the prompt whose votes label this one", integers(0, 3)),
    "blind_logp": Signal(
        "NT", "log-probs without the question in sight, nats", logprob
    ),
    "insight": Signal("NS", "a language model's interest in each message", normal),
    "message": Signal("NS", "an id of each message", integers(0, 9)),
    "pattern": Signal("N", "how much the text reads like reasoning, in [0, 1]", share),
    "form": Signal("N", "0, or -1 where the form is wrong", integers(-1, 1)),
    "cost": Signal("N", "what the completion cost, in [0, 1]", share),
    "ref_harmless": Signal("NR", "its scores of reference answers", normal),
    "spread": Signal("NK", "each member's standard deviation", share),
    "distance": Signal("NS", "distance to the goal", share),
    "length_share": Signal("N", "length over 100 words", share),
    "distinct": Signal("N", "share of distinct trigrams", share),
    "points": Signal("NC", "the points of each criterion", eighths),
    "speed": Signal("NS", "a factor for speeding, in [0, 1]", share),
    "comfort": Signal("NS", "a factor for comfort, in [0, 1]", verdict),
    "positive": Signal(
        "N", "tokens of the batch for each of a right row, 0 for other rows", counts
    ),
    "tool_calls": Signal("N", "how many tools were called", counts),
    "is_planning": Signal(
        "NT", "the tokens that say what to do next, not how it is done", flag
    ),
    "segment": Signal("NT", "the number of each token's segment", segments),
    "uncertain": Signal("NT", "the tokens of which the policy was not sure", flags),
    "segment_value": Signal(
        "NV",
        "chance of success of the prompt and after each segment",
        share,
        abstains=True,
    ),
}
