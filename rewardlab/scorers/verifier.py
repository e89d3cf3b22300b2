"""Rules as scorers: asked on the host, a completion at a time."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from absl import logging
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.rules.texts import own_words
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.text_rewards import questions

Maker = Callable[[Setting], Scorer]


class Case(NamedTuple):
    """What a rule is asked about, beside the facts of the problem."""

    text: str  # what the policy wrote; observations are left out
    iteration: int


KINDS = ("", "_valid", "_error")  # what is made for each signal
Judge = Callable[..., dict[str, float] | None]  # (case, *facts) -> numbers by name


@dataclasses.dataclass(frozen=True)
class Verifier:
    """A rule, as a maker of the scorer that asks it of every completion.

    `judge(case, *facts)` gives a number for each of `provides`; `facts` are the row's
    entries of `columns`. A rule that gives None abstains; one that raises has failed
    for its row: `name_valid` is False there, and `name_error` True. The first failure
    of a batch is logged.
    """

    name: str
    provides: tuple[str, ...]
    columns: tuple[str, ...]
    judge: Judge

    def __call__(self, setting: Setting) -> Scorer:
        """The scorer of a run."""

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            asked = questions(rollout, batch, setting.tokenizer)
            facts = [asked[column] for column in self.columns]
            iteration = int(context.iteration)
            cases = [Case(own_words(x), iteration) for x in asked["completions"]]
            rows = list(zip(cases, *facts, strict=True))
            return _signals(self.name, self.provides, self.judge, rows)

        return Scorer(
            name=self.name,
            provides={one + kind: "N" for one in self.provides for kind in KINDS},
            reads=(),
            place="host",
            score=score,
            columns=self.columns,
        )


def _signals(
    name: str, provides: tuple[str, ...], judge: Judge, rows: list[tuple]
) -> dict[str, Any]:
    """The numbers of all rows, where there are some, and where the rule failed."""
    values = {one: np.zeros(len(rows), np.float32) for one in provides}
    valid, error = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    first = ""
    for n, row in enumerate(rows):
        try:
            said = judge(*row)
        except Exception as failure:  # a rule that meets facts of another kind
            error[n], first = True, first or f"{type(failure).__name__}: {failure}"
            continue
        if said is not None:
            valid[n] = True
            for one in provides:
                values[one][n] = said[one]
    if first:
        logging.warning(
            "the verifier %s failed for %d of %d completions, first because: %s",
            *(name, error.sum(), len(rows), first),
        )
    found: dict[str, Any] = {}
    for one in provides:
        found |= {one: values[one], f"{one}_valid": valid, f"{one}_error": error}
    return found
