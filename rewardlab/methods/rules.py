"""Rules of several parts, from `rewardlab.rules`, added up in a sentence."""

from rewardlab.methods.method import SOUND, Method

AGAINST_GROUP = (
    "center_by_group() | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()"
)

RULES: dict[str, Method] = {
    "toolrl": Method(
        "outcome('format') | outcome('tool_match')"
        f" | weighted_sum(format=1, tool_match=1) | {AGAINST_GROUP}",
        "ToolRL: Reward is All Tool Learning Needs",
        "2504.13958",
        laws=(*SOUND, "scale"),
        verified="code",
        believes="right tools, names of parameters and values, each in part",
        aggregation="sequence_mean",
        differs="the signals come from `rules.toolrl`, with schedules as step counts",
    ),
    "cosine_length": Method(
        "outcome('correct') | cosine_length(max_length)"
        " | repetition(size=40, penalty=price) | weighted_sum(correct=1, repetition=1)"
        " | returns_to_go() | center_by_group()",
        "Demystifying Long Chain-of-Thought Reasoning in LLMs",
        "2502.03373",
        laws=SOUND,
        verified="code",
        hp={"max_length": 14336, "price": -0.05},
        believes="short right answers, long tries, nothing said twice",
        differs="the paper has a critic and a discount a reward; guess: max_length",
    ),
    "router_r1": Method(
        "outcome('form') | outcome('correct') | outcome('cost')"
        " | on('cost', cheapness_by_window())"
        " | gated_accumulation('cost', strict=True, form=-1, correct=0)"
        " | weighted_sum(form=1, correct=right, cost=cheap)"
        " | center_by_group() | broadcast_to_tokens()",
        "Router-R1: Teaching LLMs Multi-Round Routing and Aggregation",
        "2506.09033",
        laws=SOUND,
        verified="code",
        hp={"right": 1.0, "cheap": 0.0},
        believes="well-formed, right answers from models that cost little",
        differs="right is 1 - cheap; the code has PPO and prices a batch row by row",
    ),
    "bleuberi": Method(
        f"outcome('bleu') | {AGAINST_GROUP}",
        "BLEUBERI: BLEU is a surprisingly effective reward",
        "2505.11080",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        believes="words shared with good answers of other models",
        aggregation="sequence_mean",
    ),
    "gui_g1_boxes": Method(
        "outcome('hit') | outcome('overlap') | outcome('corners')"
        f" | weighted_sum(hit=1, overlap=0.25, corners=0.125) | {AGAINST_GROUP}",
        "GUI-G1: Understanding R1-Zero-Like Training for Visual Grounding",
        "2505.15810",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        believes="a click inside the box, and the box itself",
        differs="without the paper's difficulty weights, which belong to its loss",
    ),
    "medix_r1": Method(
        "outcome('judge') | outcome('embedding') | outcome('modality')"
        " | outcome('format') | weighted_sum(judge=0.5175, embedding=0.3375,"
        f" modality=0.045, format=0.1) | {AGAINST_GROUP}",
        "MediX-R1",
        "2602.23363",
        laws=(*SOUND, "scale"),
        verified="code",
        believes="free answers that a judge and an embedding accept",
        aggregation="sequence_mean",
    ),
}
