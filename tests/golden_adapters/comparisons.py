"""Win rates, minimax winners, tournaments and votes."""

import dataclasses

import numpy as np

from golden_adapters.common import advantages, per_row, rollout_of, sentence, values
from rewardlab.comparisons import ranking, tournaments
from rewardlab.comparisons.minimax import minimax_winner
from rewardlab.comparisons.paired_rounds import double_elimination, swiss
from rewardlab.comparisons.win_rate import win_rate, win_rate_of_verdicts
from rewardlab.transforms.sources.votes import majorities


def _first(inputs):
    return next(iter(inputs.values()))


def spo(inputs, hyper):
    """The mean over the other columns, and the linear programme's winner."""
    table = np.asarray(_first(inputs), float)
    others = ~np.eye(len(table), dtype=bool)
    rollout = rollout_of(per_row(table), preference=table, preference_valid=others)
    text = sentence("spo", center_by_group="", broadcast_to_tokens="")
    reward = values(text, rollout)[:, 0] if len(table) > 1 else win_rate(table)
    winner = minimax_winner(table)
    value = np.min(winner @ (table - 0.5))
    names = ("minimax_winner", "minimax_p", "minimax", "p")
    return {
        "reward_excluding_self": reward,
        "reward_including_self_half": win_rate(table, with_self=True),
        **dict.fromkeys(names, winner),
        **dict.fromkeys(("minimax_value", "value", "game_value"), value),
    }


def pref_grpo(inputs, hyper):
    """Verdicts to win rates, and from them the sentence's advantages."""
    rate = win_rate_of_verdicts(inputs["n"], inputs["results"], decimals=3)
    rollout = rollout_of(per_row(rate), rate=rate)
    text = sentence("pref_grpo", average="outcome('rate')")
    out = advantages(text, rollout, eps=1e-8)[:, 0]
    return {"win_rate(rounded 3dp)": rate, "grpo_adv_std_ddof1": out}


def arena(inputs, hyper):
    """Each tournament's placements through the sentence's baseline."""
    table = np.asarray(_first(inputs), float)
    n, judge = len(table), ranking.table_judge(table)

    def advantage(placement):
        rollout = rollout_of(per_row(placement), placement=placement)
        return advantages(sentence("arena_rl"), rollout, eps=1e-6)[:, 0]

    order, points = tournaments.single_elimination_order(n, judge)
    seeds = tournaments.anchor_scores(n, judge)
    by_seed = sorted(range(n), key=lambda i: seeds[i], reverse=True)
    drawn = {
        f"swiss_seed{s}": advantage(swiss(n, judge, s, as_released=True))
        for s in range(4)
    }
    drawn |= {
        f"double_elim_seed{s}": advantage(double_elimination(n, judge, s))
        for s in range(4)
    }
    return drawn | {
        "round_robin": advantage(tournaments.round_robin(n, judge)),
        "round_robin_wins": tournaments.round_robin_wins(n, judge),
        "anchor": advantage(tournaments.anchor(n, judge)),
        "single_elimination": advantage(tournaments.single_elimination(n, judge)),
        "single_elim_seed_scores": seeds,
        "single_elim_bracket": [by_seed[i] for i in tournaments.seeded_bracket(n)],
        "single_elim_final_ranking": order,
        "single_elim_avg_points": [points.mean(i) for i in range(n)],
    }


def bracket(inputs, hyper):
    seats = tournaments.seeded_bracket(inputs["n"])
    return {"bracket_of_seed_ranks(0=best)": seats}


def majority_vote(inputs, hyper):
    """Votes as the sentences take them."""
    one, other = inputs["answers_original"], inputs.get("answers_rewritten", [])
    blank = [a for a in (*one, *other) if a is None or not str(a).strip()]
    plain, kept = _paid(one, one, ()), _paid(one, one, blank)
    return {
        "coreward_label_original": _label(other, blank),
        "coreward_label_rewritten": _label(one, blank),
        "coreward_reward_original": _paid(one, other, blank),
        "coreward_reward_rewritten": _paid(other, one, blank),
        "self_vote_label_no_filter": _label(one, ()),
        "self_vote_label_filtered": _label(one, blank),
        "self_vote_reward_no_filter": plain,
        "self_vote_reward_filtered": kept,
        "self_vote_ratio_no_filter": sum(plain) / max(len(one), 1),
        "self_vote_ratio_filtered": sum(kept) / max(len(one), 1),
    }


def _numbers(answers, empty):
    """Answers numbered as they come, those of `empty` below 0."""
    number = {}
    for answer in answers:
        number.setdefault(answer, -1 if answer in empty else len(number))
    return np.array([number[answer] for answer in answers], int)


def _label(answers, empty):
    if not answers:
        return None
    ids = _numbers(answers, empty)
    label = int(majorities(ids, ids >= 0, np.zeros(len(ids), int), 1)[0])
    return next((a for a, n in zip(answers, ids, strict=True) if n == label), None)


def _paid(answers, voters, empty):
    """`answers` against the majority of `voters`: prompts that label each other."""
    if not answers:
        return []
    ids = _numbers([*voters, *answers], empty)  # of equals the voters' first
    group = np.repeat([1, 0], [len(voters), len(answers)])
    rollout = rollout_of(per_row(ids), answer_id=ids, partner=1 - group)
    rollout = dataclasses.replace(rollout, group=group, prompts=np.zeros((2, 1), int))
    parts = ("center_by_group", "scale_by_group_std", "broadcast_to_tokens")
    text = sentence("co_reward", **dict.fromkeys(parts, ""))
    return values(text, rollout)[len(voters) :, 0].tolist()


ADAPTERS = {
    "spo_minimax": spo,
    "pref_grpo_winrate": pref_grpo,
    "arena_rl": arena,
    "seeded_bracket": bracket,
    "majority_vote": majority_vote,
}
FLOAT32 = (1e-6, "the reference computes in float32")
LOOSE_64 = {"pref_grpo_winrate": FLOAT32, "arena_rl": FLOAT32}
SINGLE = "one completion has nobody to be compared with and gets 0"
NAN_IS = {"arena_rl": SINGLE, "pref_grpo_winrate": SINGLE}
