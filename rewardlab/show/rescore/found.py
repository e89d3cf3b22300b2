"""What a run's kept rollouts would have been worth, beside what they were worth."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rewardlab.core.compose import only
from rewardlab.core.types import RewardTransform
from rewardlab.methods import Method
from rewardlab.runs.builders import reward_of, unused
from rewardlab.runs.bundle import Bundle, bundles, read_bundle
from rewardlab.runs.completions import Worth
from rewardlab.runs.handed import Words, handed
from rewardlab.runs.record import config_of
from rewardlab.show.rescore.again import Again, Rescorer
from rewardlab.show.rescore.apart import Apart, apart


class Rescored(NamedTuple):
    """Kept steps of a run under a sentence, beside what the run had."""

    run: str
    steps: tuple[Again, ...]
    kept: tuple[int, ...]  # all steps of which there is a bundle
    would: tuple[str, ...]  # the words of the sentence
    anew: tuple[str, ...]  # those of them whose states begin at the first bundle

    @property
    def had(self) -> tuple[str, ...]:
        """The words of the run's own sentence."""
        return self.steps[-1].kept.words

    @property
    def own(self) -> bool:
        """Whether the sentence is the run's."""
        return all(step.kept.words == self.would for step in self.steps)

    @property
    def table(self) -> list[Apart]:
        """A row for each step, and one for all of several."""
        rows = [apart(str(step.kept.step), [step]) for step in self.steps]
        return [*rows, *([apart("all", self.steps)] if len(rows) > 1 else [])]

    @property
    def learned(self) -> float:
        """The greatest difference of an advantage from the one that the learner had; 0
        where all are equal to the bit, and inf where only one of them is a number."""
        pairs = [(x.kept.worth.advantage, x.worth.advantage) for x in self.steps]
        return max(_difference(*pair) for pair in pairs)

    @property
    def size(self) -> float:
        """The greatest advantage that the learner had, whatever its sign."""
        had = [np.nan_to_num(step.kept.worth.advantage) for step in self.steps]
        return float(max(np.max(np.abs(x), initial=0.0) for x in had))

    @property
    def written(self) -> float:
        """Likewise, of the run's own sentence, of the channel after its last word from
        that in the bundle, which a program of the sentence alone had made."""
        pairs = [(_last(x.kept.worth), _last(x.worth)) for x in self.steps]
        return max(_difference(*pair) for pair in pairs)


def rescore(
    run: str | os.PathLike,
    reward: "str | Method | RewardTransform" = "",
    step: int | None = None,
    words: "Words | Sequence[Words]" = (),
    **hp: Any,
) -> Rescored:
    """A run's kept rollouts under another reward, without a model.

    rescore("runs/clip", "rloo").table
    rescore("runs/clip", "process('prm') | clip_reward(c) | returns_to_go()", c=0.5)

    The run was trained with `log.bundle_every`. `reward` is a sentence, a method or a
    transform, "" the run's own; `hp` are values of its bare names, `words` your own
    beside the run's, `step` one that was kept, None all of them. The rows are those
    that the run learned from, whatever a method selects. Raises `ValueError` for a
    signal that the bundle lacks, and for files that are damaged or of another schema.
    """
    files = bundles(Path(run).expanduser())
    if step is not None and step not in files:
        have = ", ".join(map(str, list(files)[:20]))
        raise ValueError(f"{run} kept no rollout of step {step}; give one of {have}")
    last = read_bundle(files[max(files) if step is None else step])
    given = reward or (last.config["reward"] if hp else None)
    with handed(config_of(last.config), reward=given, words=words) as config:
        config.hp.update(hp)
        if stray := unused(config):
            raise ValueError(f"the sentence has no number {stray[0]!r}; leave it out")
        made: dict[str, Rescorer] = {}

        def under(kept: Bundle) -> Rescorer:
            """The run's own numbers may have changed on the way."""
            own = config_of(kept.config) if given is None else config
            return made.setdefault(str(reward_of(own)), Rescorer(own))

        under(last).before(last)
        from_here = step is not None and not under(last).anew
        others = [] if from_here else [at for at in files if at < last.step]
        found = [
            under(kept)(kept) for kept in (read_bundle(files[at]) for at in others)
        ]
        found.append(under(last)(last))
        told = under(last).words, under(last).anew
    shown = found if step is None else found[-1:]
    return Rescored(str(run), tuple(shown), tuple(files), *told)


def _last(worth: Worth) -> np.ndarray:
    return np.asarray(only(worth.stages[-1][1]).value)


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    apart_ = np.abs(np.asarray(a, np.float64) - b)
    alike = np.isnan(a) & np.isnan(b)
    found = np.max(apart_, where=~alike, initial=0.0)
    return float(found) if np.isfinite(found) else float("inf")
