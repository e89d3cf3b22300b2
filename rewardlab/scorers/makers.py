"""Who makes a signal in a run: the sampler, or one of the tasks."""

from collections.abc import Iterable

from rewardlab.core.signals import SIGNALS
from rewardlab.methods.method import Method
from rewardlab.scorers import USUAL
from rewardlab.tasks import TASKS

SAMPLER = ("sampler_logp", *USUAL)
EPISODES = ("anchor", "belief", "ended_by", "finished", "turn_entropy", "turns")
TREES = ("node", "step_value", "success")  # with rollout.branching or continuations


def made_on(task: str, trees: bool = False) -> set[str]:
    """The signals that a run on the task makes if its reward or loss reads them.

    A signal that has another shape there than in `SIGNALS` is another signal.
    """
    known = TASKS[task]
    names = {*known.signals, *SAMPLER}
    if known.on_host is not None:  # `format` of each turn is no `format` of a row
        steps = known.on_host.rewards
        names -= {n for n in steps if n in SIGNALS and SIGNALS[n].shape == "N"}
    if known.environment is not None:
        names |= {*EPISODES, *(TREES if trees else ())}
        names |= {"is_call"} if "call" in known.signals else set()
    return names


def reads_of(method: Method) -> set[str]:
    """What a row reads: its reward, its loss and its selection."""
    return set(method.reads)


def tasks_for(reads: Iterable[str], trees: bool = False) -> list[str]:
    """The tasks on which a run makes all that is read, by its own names."""
    return [task for task in TASKS if set(reads) <= made_on(task, trees)]


def missing(reads: Iterable[str]) -> set[str]:
    """The signals that no task makes, trees of episodes included."""
    return set(reads).difference(*(made_on(task, trees=True) for task in TASKS))
