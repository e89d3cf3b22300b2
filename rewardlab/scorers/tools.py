"""Verifiers of tool use: calls in a text, and calls in an environment."""

from typing import Any, cast

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core import masked
from rewardlab.core.types import Rollout, SignalName, Static
from rewardlab.data.batch import Batch
from rewardlab.rules import deep_research as research
from rewardlab.rules import tool_calls
from rewardlab.rules import toolrl as rule
from rewardlab.rules.deepagent import action_reward
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.verifier import Case, Maker, Verifier

NAMES = ("format", "tool_match")


def _calls(name: str, column: str, likeness: tool_calls.Rule, stages: Any) -> Maker:
    """Format and correctness of a text's calls, within the ranges of an iteration."""

    def judge(case: Case, answer: str) -> dict[str, float]:
        ranges = stages(case.iteration)
        form = float(rule.has_format(case.text, answer))
        right = rule.correctness(case.text, answer, ranges.correctness, likeness)
        low, high = ranges.format
        return {
            "format": tool_calls.between(low, high, form),
            "tool_match": right,
        }

    return Verifier(name, NAMES, (column,), judge)


def _always(iteration: int) -> rule.Ranges:
    return rule.PLAIN


def toolrl(column: str) -> Maker:
    """`format`, `tool_match` [N]: a text's calls against the true ones.

    Form is 0 or 1, the match in [-3, 3]: names, parameters and values count in part.
    Text and column are <think>...</think>, then <tool_call> with one JSON object a
    line, then <response>. (ToolRL, arXiv 2504.13958: the method `toolrl`)

    toolrl('answer'): the answer itself, with a thought before it -> 1, 3
    """
    return _calls("toolrl", column, tool_calls.graded_calls, _always)


def toolrl_whole(column: str) -> Maker:
    """As `toolrl`, where a call counts if it is equal and nothing in part.

    toolrl_whole('answer'): one of two true calls, and no other -> 1, -1
    """
    return _calls("toolrl_whole", column, tool_calls.whole_calls, _always)


def toolrl_equal(column: str) -> Maker:
    """As `toolrl`, where all calls must be equal, in order: the coarse reward.

    toolrl_equal('answer'): one of two true calls, and no other -> 1, -3
    """
    return _calls("toolrl_equal", column, tool_calls.equal_calls, _always)


def toolrl_two_stages(column: str) -> Maker:
    """As `toolrl`: a third of the match before iteration 30, then half the format.

    toolrl_two_stages('answer'): the answer itself -> 1, 1; from iteration 30 -> 0.5, 3
    """
    stages = rule.two_stages
    return _calls("toolrl_two_stages", column, tool_calls.graded_calls, stages)


def toolrl_smooth(column: str) -> Maker:
    """As `toolrl`: over 150 iterations the format loses weight and correctness gains.

    toolrl_smooth('answer'): the answer itself -> 2, 2 at first; at last 1, 3
    """
    stages = rule.smooth_stages
    return _calls("toolrl_smooth", column, tool_calls.graded_calls, stages)


def thinking_length(full: Static[float] = 512.0) -> Maker:
    """`thinking_length` [N]: words of the last <think> over `full`, at most 1.

    thinking_length(4): "<think>a b</think>" -> 0.5
    """

    def judge(case: Case) -> dict[str, float]:
        return {"thinking_length": rule.thinking_length(case.text, full)}

    return Verifier("thinking_length", ("thinking_length",), (), judge)


def growing_thinking_length() -> Maker:
    """`thinking_length` [N]: likewise, over 384 words at first, 256 more in 105 steps.

    growing_thinking_length(): 192 words -> 0.5 in iteration 0
    """

    def judge(case: Case) -> dict[str, float]:
        full = rule.growing_length(case.iteration)
        return {"thinking_length": rule.thinking_length(case.text, full)}

    return Verifier("growing_thinking_length", ("thinking_length",), (), judge)


def deepagent(calls: SignalName = "productive") -> Maker:
    """`action` [N]: the sum over turns of the signal `calls` [N, S], how right each is.

    The reward of tool use alone. No memory is folded here, so the preference for
    folding it is 0. (DeepAgent, arXiv 2510.21618: the method `toolpo`)

    deepagent('productive'): turns (1, 0, 1) -> 2
    """

    def score(
        state: Any, context: Context, rollout: Rollout, batch: Batch
    ) -> dict[str, Array]:
        scores = rollout.signal(calls)
        each = [scores[:, turn] for turn in range(scores.shape[1])]
        return {"action": jnp.asarray(action_reward(cast(list[float], each)))}

    def make(setting: Setting) -> Scorer:
        return Scorer("deepagent", {"action": "N"}, (calls,), "shard", score)

    return make


def first_result(paid: SignalName = "productive", call: SignalName = "call") -> Maker:
    """What the first turn with a tool's answer was: three signals.

    `tool_used` [N]: 1 if any turn has the signal `call` [N, S]; `tool_reward` [N]: the
    signal `paid` [N, S] of the first that has; `before_result` [N, T]: 1 on tokens up
    to its end. (Multi-Turn-RL-Agent, arXiv 2505.11821: the method `mt_grpo`)

    first_result(): calls (0, 1, 1), paid (0, 1, 0) -> 1, 1, turns 0 and 1
    """

    def score(
        state: Any, context: Context, rollout: Rollout, batch: Batch
    ) -> dict[str, Array]:
        calls = (rollout.signal(call) > 0) & masked.speaks(rollout, call)
        first, used = jnp.argmax(calls, axis=1), jnp.any(calls, axis=1)
        reward = jnp.take_along_axis(rollout.signal(paid), first[:, None], axis=1)
        before = rollout.mask & used[:, None] & (rollout.step <= first[:, None])
        return {
            "tool_used": used.astype(jnp.float32),
            "tool_reward": jnp.where(used, reward[:, 0], 0),
            "before_result": before,
        }

    provides = {"tool_used": "N", "tool_reward": "N", "before_result": "NT"}

    def make(setting: Setting) -> Scorer:
        return Scorer("first_result", provides, (paid, call), "shard", score)

    return make


def deep_research() -> Maker:
    """`steerable` [N]: a right answer is paid for thrift, a wrong one for searching.

    Right: max(1 - useless calls / calls, 1/2); wrong: 0.2 min(1, useful calls / 8)
    + 0.2 min(1, calls / 16). Reads `correct`, `calls`, `useless_calls` and `finished`,
    which stands for the form and is worth 0.1. (Fathom-DeepResearch, arXiv 2509.24107)

    deep_research(): a right answer, finished, with 1 useless call of 4 -> 0.85
    """
    reads = ("correct", "finished", "calls", "useless_calls")

    def score(
        state: Any, context: Context, rollout: Rollout, batch: Batch
    ) -> dict[str, Array]:
        rows = zip(*(rollout.signal(name).tolist() for name in reads), strict=True)
        paid = [
            research.steerable_reward(
                correct=correct > 0,
                formatted=finished > 0,
                calls=int(calls),
                redundant=int(useless),
                searches=int(calls - useless),
                queries=int(calls),
            )
            for correct, finished, calls, useless in rows
        ]
        return {"steerable": jnp.asarray(paid, jnp.float32)}

    def make(setting: Setting) -> Scorer:
        return Scorer("deep_research", {"steerable": "N"}, reads, "host", score)

    return make
