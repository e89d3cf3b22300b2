"""What a run and the runs beside it say of an item."""

import numpy as np

from rewardlab.analysis.resampled import bootstrap
from rewardlab.analysis.statistics import ANYWHERE, SHARE, student
from rewardlab.methods.units import ROW
from rewardlab.results.numbers import USUAL, at_end
from rewardlab.results.reading import RunResult
from rewardlab.show.checklist.case import (
    Case,
    sentence_of,
    told,
    unit_of,
)
from rewardlab.show.checklist.items import MISSING, NAMES, PARTLY, STATED, Line
from rewardlab.show.checklist.sentences import apart, other_keys

WITHIN = 0.05  # of equal compute
SEEDS = 3
COUNTS = {"sampled_tokens": "sampled tokens", **NAMES}
NAMED = "name it with --against"


def baseline(case: Case) -> Line:
    """A run that pays whole episodes, on the same base policy."""
    run = baseline_of(case)
    if run is None:
        return Line(MISSING, f"no run beside it pays whole episodes; {NAMED}")
    if run is case.run:
        return Line(STATED, "this run pays whole episodes itself")
    if not case.same_base(run):
        return Line(PARTLY, f"{_named(run)}, which began with another policy")
    return Line(STATED, _named(run))


def baseline_of(case: Case) -> RunResult | None:
    """The run itself, if it pays whole episodes; else the first that does, of the same
    base policy before others and of the same seed before others."""
    rows = [run for run in (case.run, *case.others) if _pays_rows(run)]
    if case.run in rows:
        return case.run
    far = lambda x: (not case.same_base(x), x.seed != case.run.seed)  # noqa: E731
    return min(rows, key=far, default=None)


def compute(case: Case) -> Line:
    """Tokens, and what is evaluated besides, against those of the baseline."""
    run, ours = baseline_of(case), case.told("spent") or {}
    if run is None:
        return Line(MISSING, "no baseline to compare with")
    if not ours:
        return Line(MISSING, "no count of what was spent")
    if run is case.run:
        count = f"{ours.get('sampled_tokens', 0):,} {COUNTS['sampled_tokens']}"
        return Line(STATED, f"{count}: it is the baseline")
    theirs = told(case.records[run.folder], "spent") or {}
    lacks = [x for x in COUNTS if x not in ours or x not in theirs]
    both = [x for x in COUNTS if x not in lacks]
    said = [f"{COUNTS[x]} {_ratio(ours[x], theirs[x])}" for x in both]
    said += [f"no count of {COUNTS[x]}" for x in lacks]
    keys = other_keys(case.run, run)
    said.append(f"other {', '.join(keys)}" if keys else "else the same recipe")
    equal = not lacks and all(_equal(ours[x], theirs[x]) for x in both)
    return Line(STATED if equal else PARTLY, "; ".join(said))


def ablation(case: Case) -> Line:
    """A run from which this one differs in its credit and in nothing else."""
    if _pays_rows(case.run):
        return Line(STATED, "pays whole episodes: it has no credit to leave out")
    text = _sentence(case.run)
    others = [x for x in case.others if x.config and _sentence(x) not in ("", text)]
    known = [(x, apart(case.run, x)) for x in others if case.same_base(x)]
    if not known or not text:
        return Line(MISSING, f"no run beside it has another sentence; {NAMED}")
    run, found = min(known, key=lambda x: (len(x[1].keys), len(x[1].words)))
    said = [f"against {_named(run)}"]
    if found.words:
        said.append(f"no matter of credit: {', '.join(found.words)}")
    if found.keys:
        said.append(f"other {', '.join(found.keys)}")
    state = PARTLY if found.words or found.keys else STATED
    return Line(state, "\n".join(["; ".join(said), *found.parts]))


def spread(case: Case) -> Line:
    """The seeds of the same arm, and intervals over their runs."""
    same = [x for x in (case.run, *case.others) if _same_arm(case.run, x)]
    same = [x for x in same if x.evaluations]
    seeds = {run.config["seed"]: run for run in same if "seed" in run.config}
    if len(seeds) < 2:
        return Line(MISSING, "one seed" if seeds else "no seed")
    count, state = f"{len(seeds)} seeds", STATED if len(seeds) >= SEEDS else PARTLY
    for measure in USUAL:
        try:
            values = np.array([at_end(run, measure) for run in seeds.values()])
        except ValueError:
            continue
        if not np.isfinite(values).all():
            continue
        mean, *drawn = bootstrap(values)
        within = SHARE if measure.startswith("pass@") else ANYWHERE
        low, high = student(values, within=within)[1:]
        over = "over runs [{:.3f}, {:.3f}] by bootstrap, [{:.3f}, {:.3f}] by Student"
        said = f"{count}, {measure} {mean:.3f}, {over.format(*drawn, low, high)}"
        return Line(state, said)
    return Line(PARTLY, f"{count}, no held-out number that all have")


def _same_arm(one: RunResult, other: RunResult) -> bool:
    return one.label == other.label and _sentence(one) == _sentence(other)


def _sentence(run: RunResult) -> str:
    return sentence_of(run.config) or sentence_of(run.config, "reward")


def _pays_rows(run: RunResult) -> bool:
    return (unit_of(run.config) or unit_of(run.config, "reward")) == ROW


def _named(run: RunResult) -> str:
    return f"{run.label}, seed {run.seed} ({run.folder.name})"


def _ratio(ours: float, theirs: float) -> str:
    if theirs:
        return f"{ours / theirs:.2f} ×"
    return f"{ours:,} against 0" if ours else "0 in both"


def _equal(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) <= WITHIN * theirs
