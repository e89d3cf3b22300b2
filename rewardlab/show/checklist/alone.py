"""What a run's own files say of an item."""

import statistics
from collections.abc import Callable, Mapping
from typing import Any

from rewardlab.core.evaluations import KINDS
from rewardlab.methods import METHODS
from rewardlab.methods.taxonomy import methodology
from rewardlab.results.numbers import USUAL
from rewardlab.show.checklist.case import Case, mean, numbers, sentence_of, unit_of
from rewardlab.show.checklist.items import (
    MISSING,
    NAMES,
    PARTLY,
    STATED,
    Line,
    found,
)
from rewardlab.system.printable import number

HOUR = 3600.0
Parts = Mapping[str, str]


def model(case: Case) -> Line:
    """Its name, its parameters, and the digits of its weights."""
    count, weights = case.told("model", "parameters"), case.told("model", "weights")
    return found(
        {
            "name": str(case.flat.get("model.name") or ""),
            "size": f"{count:,} parameters" if count else "",
            "version": f"weights {weights}" if weights else "",
        }
    )


def data(case: Case) -> Line:
    """The task or the file, the problems, and which of them are kept."""
    config, count = case.flat, case.told("data", "train", "problems")
    source = config.get("data.train") or config.get("data.path")
    source = source or config.get("task.name")
    select = config.get("select")
    kept = None if select is None else f"kept by {select}" if select else "all kept"
    return found(
        {
            "source": str(source or ""),
            "size": f"{count:,} problems" if count else "",
            "filters": kept or "",
        }
    )


def granularity(case: Case) -> Line:
    """Read off the sentence, never typed."""
    unit = unit_of(case.run.config)
    said = case.run.config.get("sentence")
    lacking = "a word of your own decides" if said else "no sentence"
    return Line(STATED, unit) if unit else Line(PARTLY if said else MISSING, lacking)


def family(case: Case) -> Line:
    """That of the method by its name, or of what the sentence reads."""
    reward, config = str(case.run.config.get("reward") or ""), case.run.config
    if not reward:
        return Line(MISSING, "no reward")
    named = reward in METHODS
    own = reward if named else sentence_of(config, "reward")
    if not own:
        return Line(PARTLY, "words of your own decide")
    return Line(STATED, methodology(own) + (f" ({reward})" if named else ""))


def benchmarks(case: Case) -> Line:
    """What is held out, how many, and the digits of its prompts."""
    held_out = case.told("data", "held_out") or {}
    count, prompts = held_out.get("problems"), held_out.get("prompts")
    return found(
        {
            "benchmark": str(held_out.get("split") or ""),
            "size": f"{count:,} problems" if count else "",
            "split": f"prompts {prompts}" if prompts else "",
        }
    )


def metric(case: Case) -> Line:
    """The formula of the first measure; of all others there is one too."""
    said = case.told("measures") or {}
    first = next((name for name in (*USUAL, *said) if said.get(name)), "")
    if not first:
        return Line(MISSING, "no definition of a held-out number")
    bare = [name for name, text in said.items() if not text]
    more = f" (and {len(said) - 1} more in run.json)" if len(said) > 1 else ""
    lacks = "".join(f"; no definition of {name}" for name in bare)
    return Line(PARTLY if bare else STATED, f"{first}: {said[first]}{more}{lacks}")


def hours_of(own: Mapping[str, Any]) -> float:
    """Wall time by devices, hours; 0 where it is not known."""
    starts = own.get("devices") or []
    return sum((x.get("seconds") or 0) * x.get("count", 1) for x in starts) / HOUR


def hours(case: Case) -> Line:
    """Of the clock on the wall, times the devices of each kind."""
    starts = [x for x in case.told("devices") or [] if isinstance(x, dict)]
    total = hours_of(case.own)
    kinds = dict.fromkeys(
        f"{x.get('count', 1)} × {x['kind']}" for x in starts if "kind" in x
    )
    return found(
        {
            "hours": f"{number(total)} h with warm-up and evaluations" if total else "",
            "kind of device": ", then ".join(kinds),
        }
    )


def overhead(case: Case) -> Line:
    """What was evaluated besides sampling and the update, in all and by hour."""
    parts, total = {}, hours_of(case.own)
    for kind in KINDS:
        counted = numbers(case.run, f"evaluations/{kind}")
        said = f"{sum(counted):,.0f} {NAMES[kind]}" if counted else ""
        parts[f"count of {NAMES[kind]}"] = said
    line = found(parts)
    tokens = numbers(case.run, "evaluations/tokens")
    if line.state != STATED or not total:
        return line
    each = f"{sum(tokens) / total:,.0f} of them an accelerator hour"
    return Line(STATED, f"{line.value}, {each}")


def length(case: Case) -> Line:
    """Means over the steps; what plays no episode has one turn."""
    tokens = mean(numbers(case.run, "completions/mean_length"))
    turns = mean(numbers(case.run, "episodes/mean_turns"))
    plays = any(name.startswith("episodes/") for row in case.run.rows for name in row)
    said = f"{number(turns)} turns" if turns == turns else "" if plays else "1 turn"
    tokens_said = f"{number(tokens)} tokens" if tokens == tokens else ""
    return found({"tokens": tokens_said, "turns": said})


def lengths(case: Case) -> Line:
    """Least, median of the steps' medians and most, and the share that was cut."""
    of = {name: numbers(case.run, f"completions/{name}_length") for name in _RANGE}
    parts = {
        name: f"{name} {number(how(of[name]))}" if of[name] else ""
        for name, how in _RANGE.items()
    }
    cut = numbers(case.run, "completions/clipped_ratio")
    parts["share cut"] = f"{mean(cut):.1%} cut" if cut else ""
    return found(parts)


_RANGE: dict[str, Callable[[list[float]], float]] = {
    "min": min,
    "median": statistics.median,
    "max": max,
}
