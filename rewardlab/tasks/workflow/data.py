"""The problems of the workflow task: a TFDS builder, and their demonstrations."""

import dataclasses
import pathlib
import string
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data import datasets
from rewardlab.data.columns import Columns, Episodes, prompt_columns, take, written
from rewardlab.data.datasets import Example
from rewardlab.tasks.workflow.environment import MAX_DIGITS, MAX_TURNS, PASS, TOKENIZER
from rewardlab.tasks.workflow.text import Progress, reset, step

PROMPT_LENGTH = 16
STAGES = 3  # edit, test, submit
Piece = tuple[str, bool]
Drawn = tuple[str, str, str]  # modules, the broken one, its value

DIFFICULTY = {
    "modules": 3,
    "digits": 2,
    "spare": 2,
    "train": 4096,
    "validation": 512,
    "test": 512,
}
NOISE = {"wander": 0.2, "wrong": 0.35, "hasty": 0.15}


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(datasets.Problems):
    """Which problems, and how many a split.

    One of `modules` modules is broken, and `digits` digits mend it. The budget is
    enough for inspecting all of them, an edit, a test, submitting and `spare` turns.
    """

    modules: int
    digits: int
    spare: int

    def __post_init__(self) -> None:
        kind = f"{self.modules}modules_{self.digits}digits_{self.spare}spare"
        self.name = f"{kind}_{self.sizes}"
        some = self.modules >= 2 and 1 <= self.digits <= MAX_DIGITS and self.spare >= 0
        if not some or self.budget > MAX_TURNS:
            raise ValueError(
                f"{self.modules} modules, {self.digits} digits and {self.spare} spare "
                f"turns make no problems; keep modules >= 2, 1 <= digits <= "
                f"{MAX_DIGITS}, spare >= 0 and modules + spare <= {MAX_TURNS - STAGES}"
            )

    @property
    def budget(self) -> int:
        """Turns of an episode."""
        return self.modules + STAGES + self.spare


class Workflow(datasets.ProblemBuilder):
    """Problems with `modules`, `broken`, `value`, `budget` and a unique `id`.

    Splits share no problem, nor one that differs only in the order of its modules.
    """

    builder_config: Problems

    def features(self) -> dict[str, Any]:
        text = {name: tfds.features.Text() for name in ("modules", "broken", "value")}
        return text | {"budget": tfds.features.Scalar(np.int32)}

    def draw(self, rng: np.random.Generator) -> Drawn:
        config = self.builder_config
        letters = rng.permutation(list(string.ascii_lowercase))[: config.modules]
        value = "".join(map(str, rng.integers(0, 10, config.digits)))
        return "".join(letters), str(rng.choice(letters)), value

    def key(self, problem: Drawn) -> Drawn:
        modules, broken, value = problem
        return "".join(sorted(modules)), broken, value

    def example(self, problem: Drawn) -> Example:
        facts = dict(zip(("modules", "broken", "value"), problem, strict=True))
        return {**facts, "budget": self.builder_config.budget}


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """A split's columns, generated under `data_dir` if it is not there yet.

    `problems` are fields of `Problems`, else as in `DIFFICULTY`. Gives `prompts`
    [M, 16], `prompt_mask`, `id` [M], in the order of `id`, and what the environment
    reads: `modules` [M, modules], `broken` [M] and `value` [M, digits] as tokens, and
    `budget` [M] in turns. `truth` [M, L] is the right edit as the agent would write it,
    its end included, and `truth_mask` says which of its tokens there are: all.
    """
    config = Problems(**(DIFFICULTY | problems))
    examples = datasets.read(Workflow, config, split, data_dir)
    text = lambda name: [example[name].decode() for example in examples]  # noqa: E731
    ids = lambda texts: np.array([*map(TOKENIZER.encode, texts)], np.int32)  # noqa: E731
    modules, broken, value = map(text, ("modules", "broken", "value"))
    prompts = [f"fix {letters}:" for letters in modules]
    edits = [f"e {m}{v}\n" for m, v in zip(broken, value, strict=True)]
    columns = prompt_columns(prompts, TOKENIZER, PROMPT_LENGTH)
    columns |= {"modules": ids(modules), "value": ids(value), "truth": ids(edits)}
    columns["broken"] = ids(broken)[:, 0]
    columns["truth_mask"] = np.ones(columns["truth"].shape, bool)
    for name in ("id", "budget"):
        columns[name] = np.array([example[name] for example in examples], np.int32)
    return columns


def demonstrations(
    columns: Columns,
    seed: int | tuple[int, ...],
    length: int,
    wander: float,
    wrong: float,
    hasty: float,
) -> Episodes:
    """One episode on each problem, not always one that succeeds.

    It inspects modules in their order until the fault is found, edits, tests, edits
    again if the test fails, and submits. But at each turn, with probability `wander`,
    it inspects any module or tests, for nothing; and otherwise, with probability
    `hasty`, it submits at once. An edit has one wrong digit with probability `wrong`.
    Observations are not imitated. `length` is T; what does not fit is cut off.
    """
    rng = np.random.default_rng(seed)
    facts = {name: columns[name] for name in ("modules", "broken", "value", "budget")}
    episodes = [
        _episode(reset(take(facts, np.array(row))), rng, wander, wrong, hasty)
        for row in range(len(columns["budget"]))
    ]
    return written(episodes, TOKENIZER, length, end=False)


def _episode(
    state: Progress, rng: np.random.Generator, wander: float, wrong: float, hasty: float
) -> list[Piece]:
    pieces: list[Piece] = []
    verdict, done = "", False  # of a test since the last edit
    while not done:
        if rng.random() < wander:
            module = rng.choice(list(state.problem.modules))
            action = f"i {module}" if rng.random() < 0.5 else "t"
        elif rng.random() < hasty:
            action = "s"
        else:
            action = _diligent(state, verdict, rng, wrong)
        state, text, done, _ = step(state, action)
        assert isinstance(text, str)
        verdict = {"t": text, "e": ""}.get(action[0], verdict)
        pieces += [(f"{action}\n", True), (text, False)]
    return pieces


def _diligent(
    state: Progress, verdict: str, rng: np.random.Generator, wrong: float
) -> str:
    """What the stage that the episode has reached asks for."""
    problem = state.problem
    if problem.broken not in state.inspected:
        return f"i {next(m for m in problem.modules if m not in state.inspected)}"
    if not state.edit or verdict not in ("", PASS):
        value = list(problem.value)
        if rng.random() < wrong:
            place = rng.integers(len(value))
            value[place] = str((int(value[place]) + rng.integers(1, 10)) % 10)
        return f"e {problem.broken}{''.join(value)}"
    return "s" if verdict == PASS else "t"
