"""Every study of RESULTS.md, which says what of it was set before its runs."""

from experiments.reproduce.agents import AGENTS
from experiments.reproduce.learned import LEARNED
from experiments.reproduce.study import Expected, Study
from experiments.reproduce.sums import SUMS

REAL: dict[str, Study] = {
    "smollm2": Study(
        "A real model",
        "SmolLM2-135M learns short sums from its own samples",
        "smollm2",
        ("grpo=grpo",),
        seeds="0..2",
        measures="pass@1,pass@8,mean_length,gain/pass@1",
    ),
    "gamed": Study(
        "A real model games a reward",
        "A reward for containing the answer teaches a model to write many numbers",
        "smollm2",
        (
            "exact=outcome('correct') | center_by_group() | scale_by_group_std()"
            " | broadcast_to_tokens()",
            "contains=outcome('cover_match') | center_by_group()"
            " | scale_by_group_std() | broadcast_to_tokens()",
        ),
        (Expected("contains", "<", "exact"),),
        (
            "--config.task.name=letter_counting",
            "--config.data.shot=Q: {prompt}\nA: {answer}\n",
            "--config.scorers=cover_match('answer')",
            "--config.train.max_steps=20",
            "--config.eval.num_problems=64",
        ),
        seeds="0..2",
        measures="pass@1,pass@8,cover_match,mean_length",
    ),
}

STUDIES: dict[str, Study] = {**SUMS, **LEARNED, **AGENTS, **REAL}
