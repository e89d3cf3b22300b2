"""Text environments with Gymnasium's interface, as they are."""

from collections.abc import Callable
from typing import Any, NamedTuple

from rewardlab.tasks.environment import TextEnvironment, Turn


class _State(NamedTuple):
    environment: Any
    total: float
    success: float | None


def gymnasium_text(make: Callable[[], Any]) -> TextEnvironment:
    """An environment of `reset(seed=, options=)` and `step(action)`, on texts.

    `make()` gives a fresh one for each episode. It is reset with the problem's `id` as
    seed and all its columns as options; what it says then is left out, since the
    prompt is a column. Each turn has the reward `reward`; the outcomes are `return`,
    their sum, and `correct`, the last `is_success` of `info`, if it was ever said. The
    episode is done when it is terminated or truncated. With a time limit or retries the
    environment must be picklable.
    """

    def reset(facts: dict[str, Any]) -> _State:
        environment = make()
        environment.reset(seed=int(facts["id"]), options=facts)
        return _State(environment, 0.0, None)

    def step(state: _State, action: str) -> Turn:
        text, reward, terminated, truncated, info = state.environment.step(action)
        success = info.get("is_success", state.success)
        after = _State(
            state.environment,
            state.total + float(reward),
            None if success is None else float(success),
        )
        done = bool(terminated or truncated)
        return Turn(after, str(text), done, {"reward": float(reward)})

    def outcome(state: _State) -> dict[str, float | None]:
        return {"return": state.total, "correct": state.success}

    return TextEnvironment(reset, step, outcome)
