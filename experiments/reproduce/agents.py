"""Studies of agents: episodes of several turns."""

from experiments.reproduce.study import BY_ROW, BY_TOKEN, Expected, Study, arm

ONE = (
    "--config.mesh.devices=1",
    "--config.optim.micro_batches=4",
    "--config.warmup.micro_batches=4",
)
END = " | center_by_group() | scale_by_group_std() | broadcast_to_tokens()"
ADDED = "weighted_sum(correct=1, prm={weight}) | episode_return()" + END
RETURNS = " | step_returns_to_go() | center_by_group(leave_one_out=True)"
SHAPED = "process('progress') | potential_shaping({final}) | outcome('correct')"
TOGETHER = " | weighted_sum(progress=1, correct=1)"
SUM = {"loss": "clipped(epsilon=0.2) | constant()"}

AGENTS: dict[str, Study] = {
    "hops": Study(
        "Information gain needs fewer episodes than the outcome alone",
        "a reward for what each turn adds to the belief in the answer needs fewer"
        " episodes (2510.14967)",
        "search",
        (arm("outcome_alone", "grpo"), "igpo"),
        (Expected("igpo", "<", "outcome_alone", "episodes to 0.6"),),
        (*ONE, BY_TOKEN),
        measures="pass@1,pass@8,calls,mean_length",
        reach=0.6,
        folder="search",
    ),
    "potential": Study(
        "A potential with and without an end",
        "shaping by a potential leaves the end as high as the outcome alone, and one"
        " whose last state keeps its potential does not (Ng et al., 1999)",
        "search",
        (
            arm("returns", f"outcome('correct'){RETURNS}", SUM),
            arm("shaped", SHAPED.format(final="") + TOGETHER + RETURNS, SUM),
            arm(
                "kept_end",
                SHAPED.format(final="final='progress_end'") + TOGETHER + RETURNS,
                SUM,
            ),
        ),
        (
            Expected("shaped", "=", "returns"),
            Expected("kept_end", "<", "returns"),
        ),
        ONE,
        measures="pass@1,pass@8,calls",
        folder="search",
    ),
    "gates": Study(
        "Gated accumulation completes more than the ungated sum",
        "step rewards added to the outcome keep a policy from submitting; paid only"
        " where the outcome is right (G-RA) they do not (2508.10548)",
        "workflow",
        (
            arm("outcome_alone", "grpo"),
            arm(
                "ungated",
                "outcome('correct') | process('prm') | " + ADDED.format(weight=1),
                {"signals": "prm=stage"},
            ),
            arm("g_ra", "g_ra", {"signals": "prm=stage"}),
        ),
        (
            Expected("ungated", "<", "outcome_alone"),
            Expected("g_ra", ">", "ungated"),
            Expected("g_ra", "=", "outcome_alone"),
        ),
        (*ONE, BY_TOKEN),
        measures="pass@1,pass@8,submitted,calls",
        folder="workflow",
    ),
    "rare_gates": Study(
        "Gated accumulation where immediate rewards are small and rare",
        "as in its paper's setting, G-RA ends higher than the outcome alone"
        " (2508.10548)",
        "workflow",
        (
            arm("outcome_alone", "grpo"),
            arm(
                "small_ungated",
                "outcome('correct') | process('prm') | " + ADDED.format(weight=0.1),
                {"signals": "prm=useful"},
            ),
            arm(
                "small_g_ra",
                "outcome('correct') | process('prm')"
                " | gated_accumulation('prm', correct=0.5) | "
                + ADDED.format(weight=0.1),
                {"signals": "prm=useful"},
            ),
        ),
        (
            Expected("small_g_ra", ">", "outcome_alone"),
            Expected("small_g_ra", ">", "small_ungated"),
        ),
        (*ONE, BY_TOKEN),
        measures="pass@1,pass@8,submitted,calls",
        folder="workflow",
    ),
    "redistribution": Study(
        "An outcome handed to steps",
        "LaRe's latent reward, which hands the outcome to the turns of a workflow, ends"
        " higher than the outcome alone (2412.11120)",
        "workflow",
        (
            arm("to_go", "outcome('correct') | returns_to_go() | center_by_group()"),
            arm(
                "lare",
                "lare",
                {"scorers": "step_facts('useful', 'stage') | latent_reward()"},
            ),
        ),
        (Expected("lare", ">", "to_go"),),
        (*ONE, "--config.warmup.steps=300", "--config.train.max_steps=40"),
        measures="pass@1,pass@8,submitted,calls",
        folder="early_workflow",
    ),
    "thrift": Study(
        "Thrift makes fewer tool calls at equal accuracy",
        "OTC, which scales the outcome by how few calls it took, makes fewer calls and"
        " is right as often (2504.14870)",
        "calculator",
        (arm("outcome_alone", "grpo"), "otc_grpo"),
        (
            Expected("otc_grpo", "<", "outcome_alone", "tool_calls"),
            Expected("otc_grpo", "=", "outcome_alone"),
        ),
        (*ONE, BY_ROW),
        measures="pass@1,pass@8,tool_calls,useless_calls",
        folder="calculator",
    ),
    "needed_tool": Study(
        "Thrift where the tool is needed",
        "where no sum can be done in the head, OTC makes fewer calls and is right as"
        " often (2504.14870)",
        "calculator",
        (arm("outcome_alone", "grpo"), "otc_grpo"),
        (
            Expected("otc_grpo", "<", "outcome_alone", "tool_calls"),
            Expected("otc_grpo", "=", "outcome_alone"),
        ),
        (
            *ONE,
            BY_ROW,
            "--config.task.difficulty.hard_percent=100",
            "--config.task.difficulty.hard_digits=3",
        ),
        measures="pass@1,pass@8,tool_calls,useless_calls",
        folder="needed_calculator",
    ),
}
