"""The clipped surrogate with the ratio of a whole completion, or of a whole step."""

from collections.abc import Callable

from rewardlab.core.types import Coefficient, SignalName
from rewardlab.objectives.clipped import clipped
from rewardlab.objectives.objective import Loss
from rewardlab.objectives.ratio import (
    row_log_ratio,
    sequence_log_ratio,
    sequence_token_log_ratio,
    step_log_ratio,
    turn_log_ratio,
    turn_token_log_ratio,
)


def gspo(
    epsilon: Coefficient = 3e-4,
    epsilon_high: Coefficient | None = None,
    dual_clip: float | None = None,
) -> Loss:
    """PPO's clip with s_i = exp(mean_t log(pi / pi_old)) as the ratio of every token.

    GSPO, arXiv 2507.18071, whose widths are 3e-4 and 4e-4; it goes with
    `sequence_mean`. As in verl and Tunix the mean log-ratio is at most 10.
    """
    ratio = sequence_log_ratio()
    return clipped(epsilon, epsilon_high, dual_clip, log_ratio=ratio)


def gspo_token(
    epsilon: Coefficient = 3e-4,
    epsilon_high: Coefficient | None = None,
    dual_clip: float | None = None,
) -> Loss:
    """As `gspo` in value, with s_it = sg(s_i) pi / sg(pi): gradients token by token.

    GSPO-token, arXiv 2507.18071: for advantages that differ within a row. Where they
    do not, its gradient under `sequence_mean` is that of `gspo`.
    """
    ratio = sequence_token_log_ratio()
    return clipped(epsilon, epsilon_high, dual_clip, log_ratio=ratio)


def clipped_row(
    epsilon: Coefficient = 0.2, epsilon_high: Coefficient | None = None
) -> Loss:
    """PPO's clip with pi / pi_old of the whole row, exp of the sum of log-ratios.

    TRL's RLOO (arXiv 2402.14740); it goes with `sequence_mean`, for a row's loss stands
    on each of its tokens.
    """
    return clipped(epsilon, epsilon_high, log_ratio=row_log_ratio())


def clipped_steps(
    epsilon: Coefficient = 0.2, epsilon_high: Coefficient | None = None
) -> Loss:
    """PPO's clip with exp(sum over the step of log(pi / pi_old)) on the step's tokens.

    An action of several tokens is one action (VLA-RL, arXiv 2505.18719). Each of its
    tokens has the action's loss, so by token long actions count more.
    """
    return clipped(epsilon, epsilon_high, log_ratio=step_log_ratio())


def clipped_turns(
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = None,
    width: SignalName = "",
) -> Loss:
    """PPO's clip with exp(mean over the turn of log(pi / pi_old)) on the turn's tokens.

    A turn is an action whatever its length (Turn-PPO, arXiv 2512.17008): between
    `clipped`, which compares tokens, and `gspo`, which compares rows. The mean
    log-ratio is at most 10; `width` as in `clipped`.
    """
    ratio = turn_log_ratio()
    return clipped(epsilon, epsilon_high, log_ratio=ratio, width=width)


def clipped_turns_token(
    epsilon: Coefficient = 3e-3, epsilon_high: Coefficient | None = 4e-3
) -> Loss:
    """As `clipped_turns` in value, with gradients token by token: sg(s_k) pi / sg(pi).

    For advantages that differ within a turn, and where the next token shares no
    gradient. AT2PO, arXiv 2601.04767, whose widths these are; it goes with
    `sequence_mean`.
    """
    ratio = turn_token_log_ratio()
    return clipped(epsilon, epsilon_high, log_ratio=ratio)


# What is longer than a token, by the words of `loss`.
LONGER: dict[str, Callable[..., Loss]] = {
    "clipped_row": clipped_row,
    "clipped_steps": clipped_steps,
    "clipped_turns": clipped_turns,
    "clipped_turns_token": clipped_turns_token,
    "gspo": gspo,
    "gspo_token": gspo_token,
}
