"""What rows ask of models besides sampling and learning."""

import pytest
from test_evaluations import N, run_of

from rewardlab import METHODS
from rewardlab.core.evaluations import in_iteration
from rewardlab.scorers import SCORERS
from rewardlab.scorers.costs import _WORDS, Cost, cost_of

ROWS = {
    "dr_grpo": (Cost(), "-"),
    "grpo": (Cost(passes=1), "1 pass"),  # of the reference, for its KL
    "gae": (Cost(passes=1, helpers=("critic",)), "1 pass"),
    "capo": (Cost(calls=4, helpers=("LLM judge",)), "4 judge calls"),
    "critic_search": (Cost(1, calls=1, helpers=("LLM judge",)), "1 pass, 1 judge call"),
    "spo_segment": (Cost(restarts=72), "72 restarts"),
    # 2^4 subsets by the reward model, the reference, and the states of the critic
    "scar": (Cost(passes=18, helpers=("reward model", "critic")), "18 passes"),
    "vineppo": (Cost(1, restarts_a_turn=True), "1 pass, K restarts a turn"),
    "a2tgpo": (Cost(passes_a_turn=1), "1 pass a turn"),
    "lsc": (
        Cost(passes=1, samples_a_prompt=10, helpers=("reward model",)),
        "1 pass, 10 samples a prompt",
    ),
    "gigpo": (Cost(passes=1), "1 pass"),  # `prm` is its turns' own reward
    "ccpo": (Cost(restarts=1), "1 restart"),
    "sharp": (Cost(restarts=2), "2 restarts"),
    "m_grpo": (Cost(calls=1, helpers=("LLM judge",)), "1 judge call"),
    "sepo": (Cost(calls=2, helpers=("LLM judge",)), "2 judge calls"),
    "agent_prm": (Cost(1, helpers=("PRM",)), "1 pass"),
    "process_sum": (Cost(helpers=("PRM",)), "-"),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_costs(name):
    cost, said = ROWS[name]
    found = cost_of(name)
    assert found._replace(helpers=()) == cost._replace(helpers=())
    assert set(found.helpers) == set(cost.helpers) and str(found) == said


def test_a_sentence_has_a_cost_too():
    found = cost_of(METHODS["scar"].said("reward"))
    assert set(found.helpers) == {"reward model", "critic"}
    assert found.passes == 3  # nobody makes `shapley` unless the row's scorers do


def test_words_that_cost_are_scorers():
    assert set(_WORDS) <= set(SCORERS)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("scar", "arithmetic"),
        ("spo_segment", "arithmetic"),
        ("trust_grpo", "arithmetic"),
        ("hcapo", "arithmetic"),
        ("igpo", "search"),
    ],
)
def test_a_run_evaluates_no_more_than_its_row_says(name, task, tmp_path):
    """And as many restarts and calls; where nothing learns, once warm-up is over."""
    run, cost = run_of(tmp_path, name, task=task), cost_of(name)
    turns = run.task.environment.limits.max_turns if run.task.environment else 1
    found = in_iteration(run.evaluations, 10**6)
    most = cost.passes + cost.passes_a_turn * turns
    assert most - 1 <= found["forwards"] / N <= most  # the sampler's states are free
    assert found["restarts"] == cost.restarts * N
    assert found["judge_calls"] == cost.calls * N
