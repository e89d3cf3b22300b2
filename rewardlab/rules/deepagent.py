"""DeepAgent's reward of actions: right tool calls, and memory folded in good time.

It is the channel `action` of the method `toolpo` (arXiv 2510.21618).
"""

from collections.abc import Sequence


def action_reward(
    calls: Sequence[float],
    direct: float = 0.0,
    folded: float = 0.0,
    call_weight: float = 1.0,
    folding_weight: float = 1.0,
) -> float:
    """call_weight * sum of the calls' scores + folding_weight * folding_preference.

    `calls` holds how right each tool call was; `direct` and `folded` are the lengths of
    `folding_preference`, equal where no memory was folded.
    """
    return call_weight * sum(calls) + folding_weight * folding_preference(
        direct, folded
    )


def folding_preference(direct: float, folded: float) -> float:
    """(L_direct - L_folded) / (L_direct + L_folded), in [-1, 1]; 0 if both are 0.

    How much shorter, in tokens, the work after folding the memory was than without.
    """
    whole = direct + folded
    return (direct - folded) / whole if whole else 0.0
