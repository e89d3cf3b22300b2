"""Rules of several parts, from `rewardlab.rules`, added up in a sentence."""

from rewardlab.methods.method import ALWAYS, BY_SEQUENCE, SOUND, Method

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
        scorers="toolrl('calls')",
        believes="right tools, names of parameters and values, each in part",
        loss="clipped(epsilon=0.2) | entropy_bonus(0.001) | token_mean()",
        updates="mini_batches(4)",
        differs="`toolrl_two_stages` and `toolrl_smooth` of `scorers` are its "
        "schedules, which count steps; the code has a KL of 0.001 in the reward, which "
        "the paper leaves out",
    ),
    "cosine_length": Method(
        "outcome('correct') | cosine_length(margin=0)"
        " | repetition(size=size, penalty=price)"
        " | weighted_sum(correct=1, repetition=1) | returns_to_go()"
        " | center_by_group()",
        "Demystifying Long Chain-of-Thought Reasoning in LLMs",
        "2502.03373",
        laws=ALWAYS,
        verified="code",
        hp={"size": 40, "price": -0.05},
        believes="short right answers, long tries, nothing said twice",
        loss=BY_SEQUENCE,
        differs="the paper has a critic, a KL of 0.01 in the reward and a discount a "
        "reward; the cosine ends at the limit of the run (there 14336, less 16); a "
        "completion of at most `size` tokens repeats nothing: under such a limit the "
        "second term never acts",
    ),
    "router_r1": Method(
        "outcome('form') | outcome('correct') | outcome('cost')"
        " | on('cost', cost_quantile_score())"
        " | gated_accumulation('cost', strict=True, form=-1, correct=0)"
        " | weighted_sum(form=1, correct=right, cost=cheap)"
        " | center_by_group() | broadcast_to_tokens()",
        "Router-R1: Teaching LLMs Multi-Round Routing and Aggregation",
        "2506.09033",
        laws=SOUND,
        verified="code",
        hp={"right": 1.0, "cheap": 0.0},
        believes="well-formed, right answers from models that cost little",
        loss="clipped(epsilon=0.2) | entropy_bonus(0.001) | token_mean()",
        updates="mini_batches(2)",
        differs="right is 1 - cheap; on the calculator the tool stands for the models "
        "and its writing for their prices; of texts `router('models')` of `scorers` "
        "reads the form; the code has PPO with a KL of 0.001 in the reward and prices "
        "a batch row by row",
    ),
    "bleuberi": Method(
        "outcome('bleu') | center_by_group() | scale_by_group_std(eps=1e-4)"
        " | broadcast_to_tokens()",
        "BLEUBERI: BLEU is a surprisingly effective reward",
        "2505.11080",
        laws=(*SOUND, "shift"),
        verified="code",
        scorers="bleu('reference')",
        believes="words shared with good answers of other models",
        loss="clipped(epsilon=0.2) | kl(beta=0.04, kind='k3_unbounded') | token_mean()",
        differs="TRL's own numbers (0.17): by token of a device's batch",
    ),
    "gui_g1_boxes": Method(
        "outcome('hit') | outcome('overlap') | outcome('corners')"
        " | weighted_sum(hit=1, overlap=0.25, corners=0.125) | center_by_group()"
        " | broadcast_to_tokens()",
        "GUI-G1: Understanding R1-Zero-Like Training for Visual Grounding",
        "2505.15810",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        scorers="boxes('box', width=1000, height=1000)",
        believes="a click inside the box, and the box itself",
        loss="clipped(epsilon=0.2) | constant()",
        differs="`gui_g1` without its weights of difficulty; the token sum is over the "
        "generation limit, the code has 64",
    ),
    "medix_r1": Method(
        "outcome('judge') | outcome('embedding') | outcome('modality')"
        " | outcome('format') | weighted_sum(judge=w_judge,"
        " embedding=w_embedding, modality=w_modality, format=w_format)"
        f" | {AGAINST_GROUP}",
        "MediX-R1",
        "2602.23363",
        laws=(*SOUND, "scale"),
        verified="code",
        hp={
            "w_judge": 0.5175,
            "w_embedding": 0.3375,
            "w_modality": 0.045,
            "w_format": 0.1,
        },
        scorers="medical('answer') | trigram_embedding('answer') | asked('judge')",
        believes="free answers that a judge and an embedding accept",
        loss="gspo_token(epsilon=0.0003, epsilon_high=0.0004, dual_clip=3.0)"
        " | sequence_mean()",
        updates="mini_batches(4)",
        differs="counts of trigrams stand in for embeddings; the judge is the policy's "
        "frozen start and does not see the answer; form and modality mean little "
        "without pictures; the script of the 7B "
        "model; those of 2B, 8B and 30B have DAPO's "
        "bounds by token, and the other of 8B a KL of 0.01 and bounds 0.2 / 0.3",
    ),
}
