"""Signals that say what a state, a prefix or a part of a row is worth."""

from rewardlab.core.signals.draws import count, eighths, share
from rewardlab.core.signals.signal import Signal

VALUES: dict[str, Signal] = {
    "state_value": Signal(
        "NS",
        "mean return of the group's rows that were in each step's state",
        eighths,
        scale=True,
        abstains=True,
    ),
    "graph_value": Signal(
        "NV",
        "likewise before each step, and the outcome after the last",
        eighths,
        scale=True,
        abstains=True,
    ),
    "prefix_value": Signal(
        "NT",
        "mean outcome of the group's rows that begin with the tokens so far",
        eighths,
        shift=True,
        scale=True,
        abstains=True,
    ),
    "prompt_value": Signal(
        "N", "the value of the bare prompt", eighths, shift=True, scale=True
    ),
    "prefix_score": Signal(
        "NT", "a reward model's score of the row so far", eighths, scale=True
    ),
    "prompt_score": Signal("N", "its score of the bare prompt", eighths, scale=True),
    "turn_advantage": Signal(
        "NS",
        "what a critic finds each turn worth beyond its state",
        eighths,
        scale=True,
    ),
    "turn_progress": Signal(
        "NS",
        "how much more each turn promises than the one before",
        eighths,
        scale=True,
        abstains=True,
    ),
    "subtask_flaws": Signal(
        "NS",
        "the mean of `flaws` over a sub-agent's call",
        count,
        scale=True,
        abstains=True,
    ),
    "turn_score": Signal(
        "NS",
        "how much likelier each turn is to a critic who knows the answer than to its"
        " reference, nats",
        eighths,
    ),
    "token_reward": Signal(
        "NT",
        "a row's score, handed to its tokens",
        eighths,
        scale=True,
        abstains=True,
    ),
    "shapley": Signal(
        "NS", "what each part of a row adds to its score", eighths, scale=True
    ),
    "self_rating": Signal(
        "NS",
        "the share of the credit that the agent of a turn gives to itself",
        share,
        abstains=True,
    ),
    "peer_rating": Signal(
        "NS",
        "the share of the credit that the other agent gives to that of a turn",
        share,
        abstains=True,
    ),
}
