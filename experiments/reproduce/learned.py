"""Studies of signals that are learned in the run."""

from experiments.reproduce.study import BY_TOKEN, Expected, Study, arm
from experiments.reproduce.sums import SHORT, SMALL

# A reward model learns for 50 iterations, then the policy for 100.
PROXY = {
    "train.max_steps": 150,
    "loss": "clipped(epsilon=0.2) | kl(beta=0.005) | token_mean()",
}
PAIRS = "pairs=sampled('correct', then='prm')"
FROZEN = PROXY | {"scorers": f"reward_model({PAIRS})"}
REFERENCES = PROXY | {"scorers": f"reward_model({PAIRS}, references=drawn(10))"}
SEVERAL = PROXY | {"scorers": f"ensemble(5, {PAIRS})", "updates": "epochs(1)"}
END = " | center_by_group() | broadcast_to_tokens()"
RAW = arm("raw", f"outcome('score'){END}", FROZEN)
QUANTILE = "minus_reference_quantile(ref='ref_score', quantile=0.85)"
NOISY = "step_labels('formal', noise=0.2) | step_model(warmup=20, online=False)"
STEPS = {"train.max_steps": 140, "scorers": NOISY}
COUNTED = "center_by_group() | broadcast_to_tokens() | whiten()"
CRITIC = {"loss": "clipped(epsilon=0.2) | token_mean()", "updates": "mini_batches(4)"}
PRIME = {
    "loss": "clipped(epsilon=0.2) | token_mean()",
    "select": "keep_middling('correct')",
}
THINKING = "judge('thinking', truth='step_correct', frozen=True)"
THOUGHT = {
    "scorers": THINKING,
    "loss": "clipped(epsilon=0.2) | sequence_mean()",
    "train.max_steps": 140,
}
UNJUDGED = THOUGHT | {"scorers": "", "train.max_steps": 100}  # no 40 at rest

LEARNED: dict[str, Study] = {
    "proxy": Study(
        "A learned proxy, bent in six ways",
        "PAR, which bounds and centres the score of a reward model, ends with more"
        " right answers than the raw score and its other forms (2502.18770)",
        "quickstart",
        (
            RAW,
            arm("par", f"outcome('score') | par(ref='ref_score'){END}", REFERENCES),
            arm(
                "lsc", f"outcome('score') | {QUANTILE} | log_sigmoid(){END}", REFERENCES
            ),
            arm("clip_history", f"outcome('score') | clip_by_history(){END}", FROZEN),
            arm(
                "mean_std", f"outcome('score') | standardize_by_history(){END}", FROZEN
            ),
            arm(
                "min_max",
                f"outcome('score') | rewardlab.contrib:minmax_by_history(){END}",
                FROZEN,
            ),
        ),
        tuple(
            Expected("par", ">", other)
            for other in ("raw", "lsc", "clip_history", "mean_std", "min_max")
        ),
        SMALL,
        folder="sums",
    ),
    "ensembles": Study(
        "Several reward models, and one that goes on learning",
        "the worst of an ensemble, its mean less its variance, and a reward model that"
        " goes on learning are exploited less than one frozen model (2310.02743,"
        " 2508.05613)",
        "quickstart",
        (
            RAW,
            arm("wco", "wco", SEVERAL),
            arm("uwo", "uwo", SEVERAL),
            arm(
                "cooper",
                f"outcome('score'){END}",
                PROXY | {"scorers": "co_trained(first=sampled('correct', then='prm'))"},
            ),
        ),
        tuple(Expected(x, ">", "raw") for x in ("wco", "uwo", "cooper")),
        SMALL,
        folder="sums",
    ),
    "steps": Study(
        "A learned process model whose labels err",
        "the plain sum of a learned, noisy process model is exploited; clip, delta,"
        " both and PURE are not (2410.15115, 2504.15275)",
        "quickstart",
        (
            arm("outcome_120", "grpo", {"train.max_steps": 120}),
            arm("sum_of_steps", "process_sum", STEPS),
            arm("clip", "clip", STEPS),
            arm("delta", "delta", STEPS),
            arm("clip_and_delta", "clip_delta", STEPS),
            arm("pure_noisy", "pure", STEPS),
        ),
        (
            Expected("sum_of_steps", "<", "outcome_120"),
            *(
                Expected(x, "=", "outcome_120")
                for x in ("clip", "delta", "clip_and_delta", "pure_noisy")
            ),
        ),
        (*SMALL, BY_TOKEN),
        folder="sums",
    ),
    "prime": Study(
        "Implicit process rewards",
        "PRIME's implicit process model, learned in the run, ends higher than the"
        " outcome alone (2502.01456)",
        "quickstart",
        (
            arm(
                "outcome_alone",
                "outcome('correct') | center_by_group_steps() | returns_to_go()"
                " | whiten()",
                PRIME,
            ),
            arm("prime", "prime", PRIME),
        ),
        (Expected("prime", ">", "outcome_alone"),),
        SHORT,
        folder="sums",
    ),
    "critic": Study(
        "A critic against group means",
        "at equal episodes GAE with a critic ends as high as group means, which need"
        " none",
        "quickstart",
        (
            arm("group_means", f"outcome('correct') | {COUNTED}", CRITIC),
            arm("gae", "gae", CRITIC),
        ),
        (Expected("gae", "=", "group_means"),),
        SHORT,
        folder="sums",
    ),
    "thinking": Study(
        "A reward for thinking",
        "a judge's score of the thinking, added to the outcome, is exploited; paid for"
        " right answers alone (P-GRPO), or as far as right answers have more of it"
        " (Trust-GRPO), it is not (2508.05170)",
        "quickstart",
        (
            arm("right_alone", "outcome('correct')" + END, UNJUDGED),
            arm(
                "added",
                "outcome('correct') | outcome('thinking')"
                f" | weighted_sum(correct=1, thinking=1){END}",
                THOUGHT,
            ),
            arm("p_grpo", "p_grpo", THOUGHT),
            arm("trust_grpo", "trust_grpo", THOUGHT),
        ),
        (
            Expected("added", "<", "right_alone"),
            Expected("p_grpo", "=", "right_alone"),
            Expected("trust_grpo", "=", "right_alone"),
        ),
        SMALL,
        folder="sums",
    ),
}
