"""A text environment, asked once a turn for all the rows that wait.

A row gets an answer, or none for one of two reasons that stay apart: its environment
failed, or it ran out of time. The other rows go on, and no failure becomes a zero.
"""

import asyncio
import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from absl import logging

from rewardlab.system.answers import Failure, NoAnswer, failure, number, together
from rewardlab.system.forked import forked
from rewardlab.tasks.environment import Limits, TextEnvironment, Turn
from rewardlab.text import Text
from rewardlab.text.tokenizers import Tokenizer
from rewardlab.text.turns import between_turns


class Patience(NamedTuple):
    """How long an environment may take, and what happens if it does not answer.

    Steps of up to `at_once` rows run side by side: in threads of this process, or, with
    a time limit, in forked processes that are killed at the limit, so a hang ends even
    in C code, and states come back pickled. An `async def step` is awaited for all rows
    together, in this process, and cancelled at the limit. A step that failed, or was
    late, is asked `retries` times more, with the state as it was. With
    `stop_on_failure`, a row without an answer raises `NoAnswer`.
    """

    time_limit: float = math.inf  # seconds a step of one row
    retries: int = 0
    stop_on_failure: bool = False
    at_once: int = 16  # 1 where steps of two rows must not run at the same time


class HostEnvironment(NamedTuple):
    """A text environment, the limits of its episodes and the patience with it.

    What it answers may be text, which stands in a row as it is, or messages, which the
    tokenizer's chat template renders.
    """

    environment: TextEnvironment
    limits: Limits
    tokenizer: Tokenizer
    rewards: tuple[str, ...]  # what a turn may be given
    outcomes: tuple[str, ...]  # what is true of an episode
    patience: Patience = Patience()

    def written(self, said: Text, ended: bool) -> list[int]:
        """The ids of an answer, after a turn that `ended` with `turn_end` or did not.

        `ValueError` for what cannot be written.
        """
        if not isinstance(said, str):
            said = between_turns(self.tokenizer, said, self.limits.turn_end, ended)
        return self.tokenizer.encode(said)


_NOT_YET = Failure(False, "it was not asked")
Asked = tuple[Any, str]  # a state and an action
Complaint = Callable[[int, Turn], str]  # what is wrong with a row's answer, or ""


def first(environment: TextEnvironment, facts: dict[str, Any]) -> Any:
    """The first state of an episode; a `Failure` if there is none."""
    try:
        return environment.reset(facts)
    except BaseException as error:  # whatever a user's function raises
        return failure(error)


def ask(
    environment: TextEnvironment,
    asked: Sequence[Asked],
    patience: Patience,
    complaint: Complaint,
) -> list[Turn | Failure]:
    """One step of each row; says how many rows failed, and why the first did."""
    answers: list[Turn | Failure] = [
        state if isinstance(state, Failure) else _NOT_YET for state, _ in asked
    ]
    left = [row for row, answer in enumerate(answers) if answer is _NOT_YET]
    for _ in range(1 + patience.retries):
        steps = _steps(environment, asked, left, patience)
        for row, step in zip(left, steps, strict=True):
            wrong = "" if isinstance(step, Failure) else complaint(row, step)
            answers[row] = Failure(False, wrong) if wrong else step
        left = [row for row in left if isinstance(answers[row], Failure)]
    _report(answers, patience)
    return answers


def last(
    environment: TextEnvironment, state: Any, patience: Patience
) -> dict[str, float | None]:
    """What is true of an episode: finite numbers; nothing if that cannot be said."""
    try:
        return numbers(environment.outcome(state), "outcome")
    except BaseException as error:  # whatever a user's function raises
        _report([failure(error)], patience)
        return {}


def numbers(values: Mapping[str, Any], kind: str) -> dict[str, float | None]:
    """Values as numbers, None where one does not apply; `ValueError` names another."""
    found: dict[str, float | None] = {}
    for name, value in values.items():
        try:
            found[name] = None if value is None else number(value)
        except ValueError as error:
            raise ValueError(f"the {kind} {name!r} is no reward: {error}") from None
    return found


def _report(answers: Sequence[Any], patience: Patience) -> None:
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    if not failures:
        return
    what = (
        f"the environment failed for {len(failures)} of {len(answers)} episodes, first "
        f"because: {failures[0].reason}"
    )
    if patience.stop_on_failure:
        raise NoAnswer(
            f"{what}; mend it, or set stop_on_failure=False to go on without them"
        )
    logging.warning("%s", what)


def _steps(
    environment: TextEnvironment,
    asked: Sequence[Asked],
    rows: list[int],
    patience: Patience,
) -> list[Turn | Failure]:
    limit, late = patience.time_limit, f"a step took more than {patience.time_limit} s"
    apart = math.isinf(limit) or inspect.iscoroutinefunction(environment.step)
    keep = copy.deepcopy if apart and patience.retries else lambda state: state
    cases = [(keep(asked[row][0]), asked[row][1]) for row in rows]
    if inspect.iscoroutinefunction(environment.step):
        waits = [_awaited(environment, case, limit, late) for case in cases]
        return together(waits)
    most = max(min(patience.at_once, len(cases)), 1)
    with ThreadPoolExecutor(most) as threads:
        if math.isinf(limit):
            return list(threads.map(lambda case: _step(environment, *case), cases))
        shares = [cases[first::most] for first in range(most)]
        found = threads.map(lambda share: _share(environment, share, limit), shares)
        answers: list[Any] = [None] * len(cases)
        for first, share in enumerate(found):
            answers[first::most] = share
    return answers


async def _awaited(
    environment: TextEnvironment, case: Asked, limit: float, late: str
) -> Turn | Failure:
    waits = None if math.isinf(limit) else limit
    try:
        # `wait_for` cannot tell its own time-out from one that the step raises.
        step = asyncio.ensure_future(environment.step(*case))
        done, _ = await asyncio.wait([step], timeout=waits)
        if not done:
            step.cancel()
            return Failure(True, late)
        return Turn(*step.result())
    except BaseException as error:  # whatever a user's function raises
        return failure(error)


def _share(
    environment: TextEnvironment, cases: Sequence[Asked], limit: float
) -> list[Turn | Failure]:
    """Steps one after another, with a new process after one that was late."""
    answers: list[Turn | Failure] = []
    while len(answers) < len(cases):
        answers += _until_late(environment, cases[len(answers) :], limit)
    return answers


def _step(environment: TextEnvironment, state: Any, action: str) -> Turn | Failure:
    try:
        return Turn(*environment.step(state, action))
    except BaseException as error:  # whatever a user's function raises
        return failure(error)


def _until_late(
    environment: TextEnvironment, asked: Sequence[Asked], limit: float
) -> list[Turn | Failure]:
    """Answers in a process of their own, up to the first that does not come."""
    answers: list[Turn | Failure] = []
    try:
        with forked(_tell, environment, asked) as pipe:
            while len(answers) < len(asked):
                if not pipe.poll(limit):
                    late = f"a step took more than {limit} s"
                    return [*answers, Failure(True, late)]
                answers.append(pipe.recv())
    except EOFError:
        answers.append(Failure(False, "its process ended; look for a crash in C code"))
    return answers


def _tell(pipe: Any, environment: TextEnvironment, asked: Sequence[Asked]) -> None:
    for state, action in asked:
        answer = _step(environment, state, action)
        try:
            pipe.send(answer)
        except Exception as error:  # a state that cannot be pickled
            pipe.send(failure(error))
