"""Signals that pay: scores, verdicts, and potentials that shape them."""

from rewardlab.core.signals.draws import (
    counts,
    eighths,
    halves,
    logprob,
    normal,
    share,
    verdict,
)
from rewardlab.core.signals.signal import Signal

REWARDS: dict[str, Signal] = {
    "correct": Signal(
        "N",
        "the verifier's verdict; 1 is right",
        eighths,
        shift=True,
        scale=True,
        abstains=True,
    ),
    "score": Signal("N", "a reward model's score", eighths, shift=True, scale=True),
    "prm": Signal(
        "NS",
        "a process reward model's score of each step",
        eighths,
        scale=True,
        abstains=True,
    ),
    "belief": Signal(
        "NS",
        "the policy's belief in the true answer after each step",
        eighths,
        scale=True,
        abstains=True,
    ),
    "format": Signal(
        "N", "whether the form is right", eighths, shift=True, scale=True, abstains=True
    ),
    "greedy": Signal(
        "N",
        "the reward of the prompt's greedy completion",
        eighths,
        shift=True,
        scale=True,
    ),
    "solo": Signal(
        "N",
        "the verdict on an episode without the first agent",
        verdict,
        shift=True,
        scale=True,
        abstains=True,
    ),
    "marginal": Signal(
        "NS",
        "the verdict less that on an episode without the agent of the turn",
        eighths,
        scale=True,
        abstains=True,
    ),
    "gap": Signal(
        "N", "score minus the score of a reference answer", eighths, scale=True
    ),
    "step_value": Signal(
        "NS", "a critic's value before each environment step", eighths, scale=True
    ),
    "tool_reward": Signal(
        "N", "the reward of the first tool turn", eighths, shift=True, scale=True
    ),
    "value": Signal("NT", "a critic's value before each token", eighths, scale=True),
    "action": Signal(
        "N", "the reward of tool use alone", eighths, shift=True, scale=True
    ),
    "contribution": Signal(
        "NS", "the estimator's share of the outcome", normal, scale=True
    ),
    "grounding": Signal(
        "NS", "whether the action could be executed", share, scale=True
    ),
    "trajectory_format": Signal(
        "NS",
        "whether all turns of the agent's trajectory keep to the grammar",
        share,
        scale=True,
    ),
    "budget_score": Signal(
        "NS",
        "mean score when thinking is cut at each budget",
        eighths,
        shift=True,
        scale=True,
    ),
    "summary": Signal(
        "NS", "the score of each summary", eighths, shift=True, scale=True
    ),
    "attempt": Signal(
        "NS",
        "the score of each attempt",
        eighths,
        shift=True,
        scale=True,
        abstains=True,
    ),
    "preference": Signal(
        "NR",
        "chance to be preferred to each of the others",
        share,
        shift=True,
        scale=True,
        abstains=True,
    ),
    "beats": Signal(
        "NR",
        "1 won, 1/2 tie, 0 lost against each of the others",
        halves,
        shift=True,
        scale=True,
        abstains=True,
    ),
    "placement": Signal(
        "N", "a reward for the place in a tournament", eighths, shift=True, scale=True
    ),
    "praise_logp": Signal(
        "NR", "log-probs of pleased follow-ups, nats", eighths, shift=True, scale=True
    ),
    "blame_logp": Signal(
        "NR", "log-probs of displeased follow-ups, nats", eighths, scale=True
    ),
    "strong_logp": Signal(
        "NT", "log-probs under the stronger model, nats", logprob, scale=True
    ),
    "weak_logp": Signal(
        "NT", "log-probs under the weaker model, nats", logprob, scale=True
    ),
    "continues": Signal(
        "N",
        "whether the true next segment was predicted",
        eighths,
        shift=True,
        scale=True,
    ),
    "solved": Signal(
        "N", "whether the self-made puzzle was solved", eighths, shift=True, scale=True
    ),
    "tool_match": Signal(
        "N", "how well the calls match the true ones", eighths, shift=True, scale=True
    ),
    "bleu": Signal("N", "BLEU against the references", eighths, shift=True, scale=True),
    "hit": Signal(
        "N",
        "whether the box's centre is in the true one",
        eighths,
        shift=True,
        scale=True,
    ),
    "overlap": Signal("N", "IoU of the box with the true one", eighths, scale=True),
    "corners": Signal(
        "N", "agreement of the box's corners with the true ones", eighths, scale=True
    ),
    "judge": Signal("N", "a judge's verdict", eighths, shift=True, scale=True),
    "embedding": Signal(
        "N", "whether embeddings agree with the truth", eighths, scale=True
    ),
    "modality": Signal("N", "whether the image's kind is named", eighths, scale=True),
    "potential": Signal(
        "NS",
        "the potential of the state that each step starts from",
        eighths,
        scale=True,
        abstains=True,
        potential=True,
    ),
    "milestones": Signal(
        "NS",
        "the share of milestones reached before each step",
        share,
        scale=True,
        abstains=True,
        potential=True,
    ),
    "subgoals": Signal(
        "NS",
        "how many subgoals each step completes first",
        counts,
        scale=True,
        abstains=True,
        potential=True,
    ),
    "progress": Signal(
        "NS",
        "progress before each step, in [0, 1]",
        share,
        scale=True,
        abstains=True,
        potential=True,
    ),
    "progress_end": Signal(
        "N",
        "progress at the end, in [0, 1]",
        share,
        shift=True,
        scale=True,
        abstains=True,
        potential=True,
    ),
    "harmless": Signal(
        "N", "a second reward model's score", eighths, shift=True, scale=True
    ),
    "members": Signal(
        "NK",
        "scores of an ensemble's members",
        eighths,
        shift=True,
        scale=True,
        abstains=True,
    ),
    "aligned": Signal(
        "NS",
        "how well the movement points at the goal",
        eighths,
        shift=True,
        scale=True,
    ),
    "relevance": Signal(
        "N", "relevance of the answer to the prompt", share, shift=True, scale=True
    ),
    "met": Signal(
        "NC",
        "whether each criterion of a rubric is met",
        verdict,
        shift=True,
        scale=True,
    ),
    "route": Signal("NS", "route completed in each step", share, scale=True),
    "crashed": Signal(
        "N", "1 where the drive ended badly", verdict, shift=True, scale=True
    ),
    "g1": Signal("N", "the answer equals the truth", verdict, shift=True, scale=True),
    "g2": Signal("N", "the answer is boxed", verdict, shift=True, scale=True),
    "g3": Signal("N", "the steps are numbered", verdict, shift=True, scale=True),
    "g4": Signal("N", "the truth occurs in the text", verdict, shift=True, scale=True),
}
