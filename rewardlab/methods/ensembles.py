"""Several reward models of one thing, and what they agree on."""

from rewardlab.methods.combination import GROUP, PPO
from rewardlab.methods.method import SOUND, Method

ENSEMBLES = ("Reward Model Ensembles Help Mitigate Overoptimization", "2310.02743")

ENSEMBLE: dict[str, Method] = {
    "wco": Method(
        "members('members') | min_of('members')" + GROUP,
        *ENSEMBLES,
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="what even the most doubtful judge grants",
        updates="epochs(4)",
        differs=f"{PPO}, without its KL of 0.1 in the reward",
    ),
    "uwo": Method(
        "members('members')"
        " | mean_minus_variance_of('members', weight=weight, ddof=ddof)" + GROUP,
        *ENSEMBLES,
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"weight": 0.1, "ddof": 1},
        believes="what judges agree on; disagreement costs",
        updates="epochs(4)",
        differs=f"{PPO}, without its KL of 0.1 in the reward; "
        "the paper's best-of-n code has weight=0.5, ddof=0",
    ),
    "herding": Method(
        "members('members') | center_by_group() | median_of('members')" + GROUP,
        "Helping or Herding? Reward Model Ensembles",
        "2312.09244",
        laws=(*SOUND, "homogeneous", "shift"),
        verified="guess",
        believes="what the middle judge says, on its own scale",
        differs="guess: each member less its prompt's mean; the paper has min and mean "
        "too",
    ),
    "brme": Method(
        "min_uncertainty_member('members', 'spread') | members('members')"
        " | min_of('members')"
        " | weighted_sum(surest=nominal, members=worst)" + GROUP,
        "Reward-Robust RLHF in LLMs",
        "2409.15360",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="secondary",
        hp={"nominal": 0.6, "worst": 0.4},
        scorers="gaussian_ensemble(5)",
        believes="the surest judge, held back by the worst",
        differs="the least per completion; `worst_mean_of` is the other reading; "
        "guess: the weights, which of the two is which, and that the heads are fitted "
        "to the outcome, not to a reward model before them",
    ),
}
