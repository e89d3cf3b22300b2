"""The workflow environment again, in Python and from text."""

import dataclasses
import re
from typing import Any, NamedTuple

from rewardlab.tasks.environment import TextEnvironment, Turn
from rewardlab.tasks.workflow.environment import (
    FAIL,
    MALFORMED,
    OK,
    PASS,
    STAGE_PAY,
    TOKENIZER,
)

ACTION = re.compile(r"i (?P<inspects>[a-z])|e (?P<edits>[a-z][0-9]+)|(?P<other>[ts])")


class Problem(NamedTuple):
    """The facts of one problem as text."""

    modules: str  # a letter each
    broken: str
    value: str  # digits
    budget: int  # turns

    @property
    def edit(self) -> str:
        """The module and the value of the right edit."""
        return self.broken + self.value


@dataclasses.dataclass(frozen=True)
class Progress:
    """One episode so far."""

    problem: Problem
    inspected: str = ""
    edit: str = ""  # the last one
    edited_rightly: bool = False  # at some time
    passed: bool = False
    submitted: bool = False
    calls: int = 0
    tests: int = 0


def reset(facts: dict[str, Any]) -> Progress:
    """The episode before its first turn, of one problem's columns (see `load`)."""
    return Progress(
        Problem(
            TOKENIZER.decode(facts["modules"]),
            TOKENIZER.decode([facts["broken"]]),
            TOKENIZER.decode(facts["value"]),
            int(facts["budget"]),
        )
    )


def step(state: Progress, action: str) -> Turn:
    """One turn; the rewards are those of `workflow.observe`."""
    problem, now = state.problem, dataclasses.replace(state, calls=state.calls + 1)
    read = ACTION.fullmatch(action)
    if read is None or not _fits(read, problem):
        return _turn(now, MALFORMED, formed=False, useful=False)
    if read["inspects"]:
        module, done = read["inspects"], state.inspected
        useful = module not in done and problem.broken not in done
        now = dataclasses.replace(now, inspected=done + module)
        shown = f"{module}:{problem.value}\n" if module == problem.broken else OK
        return _turn(now, shown, useful=useful)
    if read["edits"]:
        right = read["edits"] == problem.edit
        useful = right and not state.edited_rightly
        rightly = right or state.edited_rightly
        now = dataclasses.replace(now, edit=read["edits"], edited_rightly=rightly)
        return _turn(now, OK, useful=useful)
    mended = state.edit == problem.edit
    if action == "s":
        now = dataclasses.replace(now, submitted=True)
        return _turn(now, "", useful=mended)
    passed = mended or state.passed
    now = dataclasses.replace(now, passed=passed, tests=state.tests + 1)
    return _turn(now, PASS if mended else FAIL, useful=mended and not state.passed)


def _fits(read: re.Match[str], problem: Problem) -> bool:
    """Whether the module is one of the problem's, and the digits are as many."""
    if read["other"]:
        return True
    module = (read["inspects"] or read["edits"])[0]
    whole = read["inspects"] or len(read["edits"]) == len(problem.edit)
    return bool(whole and module in problem.modules)


def _turn(now: Progress, text: str, useful: bool, formed: bool = True) -> Turn:
    done = now.submitted or now.calls >= now.problem.budget
    rewards: dict[str, float | None] = {
        "stage": STAGE_PAY * (formed and not now.submitted),
        "useful": float(useful),
        "format": float(formed),
    }
    return Turn(now, "" if done else text, done, rewards)


def outcome(state: Progress) -> dict[str, float | None]:
    """As `workflow.outcome`."""
    return {
        "correct": float(state.submitted and state.edit == state.problem.edit),
        "submitted": float(state.submitted),
        "calls": float(state.calls),
        "tests_run": float(state.tests),
    }


ENVIRONMENT = TextEnvironment(reset, step, outcome)
