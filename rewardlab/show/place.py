"""A row's place in the taxonomy and what it costs, in words."""

from rewardlab.methods.taxonomy import place_of
from rewardlab.scorers.costs import cost_of


def said_of(name: str) -> str:
    """A row's columns, as one phrase.

    said_of("capo") -> turn, critic, reasoning, core, proxy evidence, enters as reward;
    helper: LLM judge; costs 4 judge calls
    """
    place, cost = place_of(name), cost_of(name)
    said = [place.granularity, place.methodology, place.setting, place.kind]
    said += [f"{place.tier} evidence"] if place.tier != "-" else []
    told = ", ".join([*said, f"enters as {place.enters}"])
    told += f"; helper: {', '.join(cost.helpers)}" if cost.helpers else ""
    return told + (f"; costs {cost}" if str(cost) != "-" else "")
