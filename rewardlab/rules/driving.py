"""Rewards of a driver: progress along the route, and what undoes it.

CaRL (arXiv 2504.17838): one simple reward, a product rather than a sum. As a sentence:
`formula('route * speed * comfort')` over step channels.
"""

from collections.abc import Sequence

from rewardlab.core.intervals import need

NUPLAN_STEP = 100 / 2000  # what a metric that holds is worth in one step


def speed_factor(excess: float, threshold: float) -> float:
    """max(0, 1 - excess / threshold): 1 at the limit, 0 from `threshold` above it."""
    need("speed_factor", "(0, inf)", threshold=threshold)
    return min(1.0, max(0.0, 1 - excess / threshold))


def carl(
    progress: float,
    factors: Sequence[float],
    outside: bool,
    terminated: bool,
    terminal_reward: float,
) -> float:
    """progress * prod(factors), 0 outside the lanes, + the terminal reward at the end.

    `progress` is the gain of route completion, of 100 in all. A factor that is 0 undoes
    the step. Running out of time is no termination.
    """
    step = 0.0 if outside else progress
    for factor in factors:
        step *= factor
    return step + (terminal_reward if terminated else 0.0)


def nuplan(progress: float, ttc: bool, speed: bool, comfort: bool) -> float:
    """(5 progress + 5 ttc + 4 speed + 2 comfort) / 16, the sum that was compared with.

    `progress` is the gain in percent; a metric that holds is worth 0.05 a step.
    """
    held = 5 * ttc + 4 * speed + 2 * comfort
    return (5 * progress + NUPLAN_STEP * held) / 16
