"""Text environments with the interface of `verifiers`, as they are."""

import inspect
from typing import Any

from rewardlab.system.answers import together
from rewardlab.tasks.environment import TextEnvironment, Turn


def verifiers_text(environment: Any) -> TextEnvironment:
    """An environment of messages, as the `MultiTurnEnv`s of verifiers 0.1 are.

    Its `setup_state(state)`, `is_completed(state)`, `env_response(messages, state)` and
    `rubric.score_rollout(state)` are asked, each plain or `async`. A state is a dict of
    the problem's columns with `prompt` and `completion`, lists of messages, and
    `trajectory`, a dict a turn. The outcomes are `reward`, the rubric's, and each of
    its metrics by name; turns have no reward of their own. Its own `max_turns` ends an
    episode too. What needs a client of a language model, such as a judge of the rubric,
    is the environment's to bring.
    """

    def reset(facts: dict[str, Any]) -> dict[str, Any]:
        prompt = facts["prompts"]
        if isinstance(prompt, str):
            prompt = [{"role": "user", "content": prompt}]
        kept = {name: x for name, x in facts.items() if name not in _OURS}
        state = {"answer": "", "info": {}, "task": "default", **kept}
        state |= {"prompt": list(prompt), "completion": [], "trajectory": []}
        if hasattr(environment, "setup_state"):
            together([_come(environment.setup_state(state))])
        return state

    async def step(state: dict[str, Any], action: str) -> Turn:
        said = {"role": "assistant", "content": action}
        before = [*state["prompt"], *state["completion"]]
        state["completion"].append(said)
        state["trajectory"].append({"prompt": before, "completion": [said]})
        if await _come(environment.is_completed(state)):
            return Turn(state, "", True, {})
        answer = await _come(environment.env_response([*before, said], state))
        messages = [_plain(message) for message in answer]
        state["completion"] += messages
        done = bool(await _come(environment.is_completed(state)))
        return Turn(state, messages, done, {})

    def outcome(state: dict[str, Any]) -> dict[str, float | None]:
        together([_come(environment.rubric.score_rollout(state))])
        return {**(state.get("metrics") or {}), "reward": state["reward"]}

    return TextEnvironment(reset, step, outcome)


_OURS = ("prompts", "prompt_mask")  # columns that a state has in another way


async def _come(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


def _plain(message: Any) -> dict[str, Any]:
    """A message as a dict; some versions have objects of pydantic."""
    if isinstance(message, dict):
        return message
    dumped: dict[str, Any] = message.model_dump(exclude_none=True)
    return dumped
