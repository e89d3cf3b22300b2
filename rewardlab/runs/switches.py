"""What of the sampler a run needs: which of its signals somebody reads."""

from typing import NamedTuple

from ml_collections import ConfigDict

from rewardlab.objectives import compared_tokens
from rewardlab.rollouts import Branching
from rewardlab.rollouts.values import VALUE_SIGNALS
from rewardlab.runs.aliases import wanted
from rewardlab.runs.builders import compares_finely, loss_of
from rewardlab.scorers.plan import Plan


class Tree(NamedTuple):
    """Arguments that `rollout_trees` takes and `rollout_episodes` does not."""

    branching: Branching | None
    values: int | None


class Switches(NamedTuple):
    """What the sampler makes only where somebody reads it.

    With `exact` the log-probs are those of a forward pass, and `sampler_logp` are what
    they were: a truncated distribution lacks its tail, and a sampler in bfloat16 is too
    coarse to be compared with the reference's pass.
    """

    belief: bool = False
    tree: Tree | None = None
    exact: bool = False
    entropy: bool = False
    states: bool = False
    likeliest: int = 0


NOTHING_MORE = Switches()


def switches_of(config: ConfigDict, plan: Plan) -> Switches:
    """What of the sampler somebody reads."""
    read, rollout = plan.wanted_of("sampler"), config.rollout
    truncated = rollout.top_k > 0 or rollout.top_p < 1
    coarse = config.model.dtype != "float32" and "ref_logp" in wanted(config)
    coarse |= compares_finely(config)
    exact = truncated or coarse or "sampler_logp" in read
    kept = "entropy" in read, "hidden" in read
    compared = compared_tokens(loss_of(config))
    top = compared.number if compared and compared.ids in read else 0
    return Switches("belief" in read, tree_of(config), exact, *kept, top)


def judging_switches(config: ConfigDict, plan: Plan) -> Switches:
    """Likewise for held-out problems, where no episode shares a prefix."""
    return switches_of(config, plan)._replace(tree=None, exact=False, likeliest=0)


def tree_of(config: ConfigDict) -> Tree | None:
    """How training episodes share prefixes and are valued, if they are."""
    branching, rollout = branching_of(config), config.rollout
    if wanted(config).isdisjoint(VALUE_SIGNALS):
        return Tree(branching, None) if branching else None
    if branching is None and not rollout.continuations:
        return None  # the values are the task's own
    return Tree(branching, rollout.continuations)


def branching_of(config: ConfigDict) -> Branching | None:
    """How training episodes share prefixes, if they do."""
    options = config.rollout.branching
    if not options.roots:
        return None
    return Branching(**{**options.to_dict(), "turns": tuple(options.turns)})
