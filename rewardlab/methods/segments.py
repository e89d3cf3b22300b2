"""Segments and prefixes: credit for where a beginning leads."""

from rewardlab.methods.method import SOUND, VERL, Method

SEGMENTS: dict[str, Method] = {
    "tempo": Method(
        "outcome('correct') | on('correct', center_by_group() | broadcast_to_tokens())"
        " | prefix_gain('prefix_value', start='prompt_value')"
        " | weighted_sum(correct=1, prefix_value=1)"
        " | scale_by_outcome_std('correct', eps=eps)",
        "Exploiting Tree Structure for Credit Assignment in RL Training of LLMs",
        "2509.18314",
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"eps": 1e-6},
        scorers="prefix_values()",
        believes="tokens after which the group's rows do better",
        loss=VERL,
        differs="padding is no token, where the code lets a row that has ended go on in"
        " a branch whose tokens equal its padding; a group of one gets 0; its discount"
        " and decay are read by nothing there and left out here",
    ),
}
