"""Studies on the quick start's sums, with rewards that are rules."""

from experiments.reproduce.study import BY_TOKEN, Expected, Study, arm

SMALL = (
    "--config.rollout.num_prompts=8",
    "--config.mesh.devices=1",
    "--config.eval.every=60",
)
SHORT = (*SMALL, "--config.train.max_steps=100")  # of 64 rows each
# Longer sums after less than the usual imitation: a base that solves one in four and
# learns, and one that solves one in ten, of which half the groups have no right row.
LONGER = (*SHORT, "--config.task.difficulty.min_terms=4")
MIDDLING, HARD = ((*LONGER, f"--config.warmup.steps={steps}") for steps in (350, 200))
ALONE = {"select": "", "updates": "epochs(1)"}  # one update a batch, of all its rows
# As many episodes: a prompt with a hint is sampled besides the one without.
WITHOUT = {
    "select": "keep_middling('correct', low=0.001, high=0.999)",
    "train.max_steps": 200,
}
BY_GROUP = "center_by_group() | scale_by_group_std(eps=1e-4)"
TWO = "outcome('correct') | outcome('format')"
THREE = f"{TWO} | outcome('parsed')"
SUM_OF_TWO = "weighted_sum(correct=1, format=1)"
SUM_OF_THREE = "weighted_sum(correct=1, format=1, parsed=1)"
BY_BATCH = "center_by_batch() | scale_by_batch_std(eps=1e-4)"
# A learning rate eight times as high, that nothing holds near the base.
HASTY = {"loss": "clipped(0.2) | token_mean()", "optim.lr": 2e-3}
GDPO = {"loss": "clipped(0.2) | kl(0.04, kind='k3_unbounded') | token_mean()"}


def _summed(rewards: str, total: str) -> str:
    return f"{rewards} | {total} | {BY_GROUP} | broadcast_to_tokens()"


def _apart(rewards: str, total: str) -> str:
    return f"{rewards} | {BY_GROUP} | {total} | {BY_BATCH} | broadcast_to_tokens()"


SUMS: dict[str, Study] = {
    "quickstart": Study(
        "The quick start",
        "a small LM learns sums by reinforcement from its own samples",
        "quickstart",
        ("grpo",),
        measures="pass@1,pass@8,mean_length,gain/pass@1",
        folder="sums",
    ),
    "hacking": Study(
        "A hackable process reward",
        "a sum of step rewards is exploited; clip + delta and PURE are not",
        "quickstart",
        (arm("outcome", "grpo"), "process_sum", "clip_delta", "pure"),
        (
            Expected("process_sum", "<", "outcome"),
            Expected("clip_delta", "=", "outcome"),
            Expected("pure", "=", "outcome"),
        ),
        (BY_TOKEN,),
        folder="sums",
    ),
    "flips": Study(
        "Verdicts that are wrong",
        "with the verdicts of 40 % of the groups turned over, a policy still learns"
        " nearly as much (2505.22653)",
        "quickstart",
        (
            arm("right_verdicts", "noisy_grpo", {"hp.noise": 0.0}),
            arm("flipped", "noisy_grpo", {"hp.noise": 0.4}),
        ),
        (Expected("flipped", "=", "right_verdicts"),),
        SHORT,
        folder="sums",
    ),
    "gdpo": Study(
        "Several rewards, scaled apart",
        "GDPO, which scales each reward in its group before it adds them, ends higher"
        " than GRPO on their sum, with two rewards and with three (2601.05242)",
        "quickstart",
        (
            arm("summed_two", _summed(TWO, SUM_OF_TWO), GDPO),
            arm("gdpo_two", _apart(TWO, SUM_OF_TWO), GDPO),
            arm("summed_three", _summed(THREE, SUM_OF_THREE), GDPO),
            arm("gdpo_three", _apart(THREE, SUM_OF_THREE), GDPO),
        ),
        (
            Expected("gdpo_two", ">", "summed_two"),
            Expected("gdpo_three", ">", "summed_three"),
            Expected("gdpo_two", ">", "summed_two", "format"),
            Expected("gdpo_three", ">", "summed_three", "format"),
        ),
        SHORT,
        measures="pass@1,pass@8,format,mean_length",
        folder="sums",
    ),
    "dynamic": Study(
        "Dynamic sampling",
        "DAPO with dynamic sampling needs fewer episodes than without, those that it"
        " throws away counted (2503.14476)",
        "quickstart",
        (
            arm("dapo_without", "dapo", ALONE),
            arm("dapo", "dapo", {"updates": "epochs(1)"}),
        ),
        (
            Expected("dapo", "<", "dapo_without", "episodes to 0.8"),
            Expected("dapo", ">", "dapo_without"),
        ),
        (*SHORT, "--config.eval.every=20"),
        reach=0.8,
        folder="sums",
    ),
    "hints": Study(
        "Hints where few are right",
        "where a policy solves little, a hint in the prompt of problems of which all"
        " rows fail helps it on, at equal episodes (2506.13923)",
        "quickstart",
        (
            arm("without_hints", "guide_grpo", WITHOUT),
            "guide_grpo",
        ),
        (Expected("guide_grpo", ">", "without_hints"),),
        HARD,
        measures="pass@1,pass@8,gain/pass@1",
        folder="hard_sums",
    ),
    "unlikely": Study(
        "Rewarding the unlikely",
        "a bonus for right answers that were unlikely raises pass@N above GRPO's"
        " (2506.02355)",
        "quickstart",
        (
            arm("without_bonus", "unlikeliness", {"hp.beta": 0.0}),
            "unlikeliness",
        ),
        (Expected("unlikeliness", ">", "without_bonus", "pass@8"),),
        MIDDLING,
        measures="pass@1,pass@8",
        folder="longer_sums",
    ),
    "planted": Study(
        "Alarms on faults that were planted",
        "each of five faults raises its own alarm, and two sound arms raise none",
        "quickstart",
        (
            arm("sound", "grpo"),
            arm("sound_clip", "clip"),
            arm("paid_by_step", "process_sum"),
            arm("idle_clip", "clip", {"hp.eta": 0.0}),
            arm("one_of_two", _summed(TWO, "weighted_sum(correct=1, format=0.01)")),
            arm("hasty", "grpo", HASTY),
            arm(
                "no_difference",
                f"outcome('format') | {BY_GROUP} | broadcast_to_tokens()",
            ),
        ),
        options=SHORT,
        folder="sums",
    ),
}
