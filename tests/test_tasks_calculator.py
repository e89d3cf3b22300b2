"""The calculator on the device against its twin, which reads text."""

import jax
import numpy as np
import pytest
from jax import lax

from rewardlab.data.columns import prompt_texts
from rewardlab.tasks import TASKS
from rewardlab.tasks.calculator.data import demonstrations, load
from rewardlab.tasks.calculator.environment import (
    ACTION_LENGTH,
    ENVIRONMENT,
    OUTCOMES,
    REWARDS,
)
from rewardlab.tasks.calculator.text import ENVIRONMENT as TWIN

TASK = TASKS["calculator"]
ROWS = 600
SMALL = {"train": 200, "validation": 20, "test": 30}
CURIOUS = (  # no number, a zero first, five digits, two of a kind, no first, no last
    *("?", "#", "#05", "?05+1", "5+0=05", "#12345", "12345+1=2", "?1+12345", "5+5=10="),
    *("?5+5=10", "5+5", "5=5+10", "++=", "?+5", "+5=5", "5+=5", "5+5=", "##5", "#?5"),
    *("?9999+9999", "?0+0", "0+0=0", "#0", "", "a", " 5+5=10", "?5+5 ", "5#", "#5+5"),
    *("1234567890123456", "?234567890123456", "#234567890123456", "1111+1111=222222"),
)


def turn(terms, total, used, rng):
    """An action that is often right; what it says the sum is; how far that brings."""
    term = terms[used] if used < len(terms) else 7
    kind = rng.random()
    if kind < 0.3:
        return f"?{total}+{term}", total + term, used + 1
    if kind < 0.6:
        said = total + term + rng.choice([0, 0, 0, 10])
        return f"{total}+{term}={said}", said, used + 1
    if kind < 0.7:
        return f"?{term}+{total}", total, used
    if kind < 0.85:
        return str(rng.choice(CURIOUS)), total, used
    if kind < 0.95 or used < len(terms) - 1:
        broken = list(f"{total}+{term}={total + term}")
        broken[rng.integers(len(broken))] = rng.choice(list("0123456789+=?#a"))
        return "".join(broken), total, used
    return f"#{total + rng.choice([0, 0, 1])}", total, used


def script(terms, rng):
    """The actions of an episode, as texts without their ends."""
    total, used, actions = terms[0], 1, []
    for _ in range(ENVIRONMENT.max_turns):
        action, total, used = turn(terms, total, used, rng)
        actions.append(action)
    return actions


def tokens(scripts):
    """[N, S, A] actions, each with its end unless it is cut off, and [N, S] lengths."""
    texts = [[a if len(a) == ACTION_LENGTH else f"{a}\n" for a in s] for s in scripts]
    lengths = np.array([[len(text) for text in row] for row in texts])
    ids = np.full((*lengths.shape, ACTION_LENGTH), TASK.tokenizer.pad_id, np.int32)
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            ids[i, j, : len(text)] = TASK.tokenizer.encode(text)
    return ids, lengths


@jax.jit
@jax.vmap
def episodes(facts, actions, lengths):
    """The observation of each turn, and the outcome after each of them."""

    def advance(state, now):
        seen = ENVIRONMENT.observe(state, *now)
        return seen.state, (seen, ENVIRONMENT.outcome(seen.state))

    return lax.scan(advance, ENVIRONMENT.init(facts), (actions, lengths))[1]


def play(problems, scripts):
    """The same of these problems and scripts; all in one shape, to compile once."""
    turns = [["a"] * ENVIRONMENT.max_turns for _ in range(ROWS)]
    terms = np.full((ROWS, 4), -1, np.int32)
    for n, (problem, actions) in enumerate(zip(problems, scripts, strict=True)):
        terms[n, : len(problem)] = problem
        turns[n][: len(actions)] = actions
    answers = np.maximum(terms, 0).sum(1)
    return jax.device_get(episodes({"terms": terms, "answer": answers}, *tokens(turns)))


def reset(problem):
    """The twin at the beginning of this problem."""
    return TWIN.reset({"terms": problem, "answer": sum(problem)})


def test_the_device_and_the_twin_agree_turn_by_turn():
    rng = np.random.default_rng(0)
    numbers = [1, 5, 9, 10, 46, 99, 100, 271, 999]
    problems = [rng.choice(numbers, rng.integers(2, 5)).tolist() for _ in range(ROWS)]
    scripts = [script(terms, rng) for terms in problems]
    seen, outcomes = play(problems, scripts)
    names = set(seen.rewards) | set(outcomes)
    assert names == {*REWARDS, *OUTCOMES} and set(TASK.signals) == names
    met = {name: set() for name in names}
    for n, actions in enumerate(scripts):
        state = reset(problems[n])
        for t, action in enumerate(actions):
            state, text, done, rewards = TWIN.step(state, action)
            size = seen.length[n, t]
            said = TASK.tokenizer.decode(seen.tokens[n, t, :size].tolist())
            assert (said, seen.done[n, t]) == (text, done), action
            assert (seen.tokens[n, t, size:] == TASK.tokenizer.pad_id).all()
            wanted = rewards | TWIN.outcome(state)
            got = {name: x[n, t] for name, x in (seen.rewards | outcomes).items()}
            assert got == wanted, (problems[n], actions[: t + 1])
            for name, value in wanted.items():
                met[name].add(value)
            if done:
                break
    assert all(len(values) > 1 for values in met.values()), met


def test_every_curious_turn_is_read_as_the_twin_reads_it():
    seen, _ = play([[5, 5]] * len(CURIOUS), [[action] for action in CURIOUS])
    formed = {"?9999+9999", "?0+0", "0+0=0", "#0"}
    for n, action in enumerate(CURIOUS):
        text = TWIN.step(reset([5, 5]), action).text
        written = seen.tokens[n, 0, : seen.length[n, 0]].tolist()
        assert TASK.tokenizer.decode(written) == text, action
        assert bool(seen.rewards["format"][n, 0]) == (action in formed), action


def test_rewards_of_one_episode():
    """48+5 is easy, 53+271 is hard; the answer is 324."""
    turns = ["?48+5", "48+5=53", "?48+5", "?271+53", "?53+271", "53+271=324", "#324"]
    seen, outcomes = play([[48, 5, 271]], [turns])
    signals = {name: x[0, :7].tolist() for name, x in seen.rewards.items()}
    assert signals["step_correct"] == [1, 0, 0, 0, 1, 0, 1]  # 48+5=53 comes too late
    assert signals["call"] == [1, 0, 1, 1, 1, 0, 0]
    assert signals["needed"] == [0, 0, 1, 1, 1, 0, 0]
    assert signals["productive"] == [1, 0, 0, 0, 1, 0, 0]
    last = {name: x[0, 6] for name, x in outcomes.items()}
    # of four calls the one of 53+271 pays
    assert (last["calls"], last["least_calls"], last["useless_calls"]) == (4, 1, 3)
    assert last["correct"] == 1 and last["tool_calls"] == 4


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    names = ("train", "validation", "test")
    return {name: load(name, folder, **SMALL) for name in names}


def test_splits_share_no_problem_and_columns_say_the_same(splits):
    seen = set()
    for name, split in splits.items():
        assert len(split["id"]) == SMALL[name]
        unordered = {tuple(sorted(row)) for row in split["terms"].tolist()}
        assert not unordered & seen
        seen |= unordered
        for n, prompt in enumerate(prompt_texts(split, TASK.tokenizer)):
            terms = [int(term) for term in prompt[:-1].split("+")]
            assert terms == [t for t in split["terms"][n].tolist() if t != -1]
            assert 3 <= len(terms) <= 4
            assert {len(str(term)) for term in terms} <= {1, 2}
            truth = split["truth"][n][split["truth_mask"][n]]
            assert TASK.tokenizer.decode(truth) == f"#{sum(terms)}\n"
            assert split["answer"][n] == sum(terms)


def replay(columns, demonstrated):
    """Plays the policy's own tokens; the outcomes, and what should have been seen."""
    outcomes = []
    for n, (ids, own, valid) in enumerate(zip(*demonstrated, strict=True)):
        state = TWIN.reset({name: columns[name][n] for name in ("terms", "answer")})
        text, action, done = TASK.tokenizer.decode(ids[valid].tolist()), "", False
        place = 0
        while place < len(text):
            assert own[place] and not done
            action, place = action + text[place], place + 1
            if action.endswith("\n"):
                state, observed, done, _ = TWIN.step(state, action[:-1])
                end = place + len(observed)
                assert text[place:end] == observed and not own[place:end].any()
                action, place = "", end
        assert done
        outcomes.append(TWIN.outcome(state))
    return {name: np.array([row[name] for row in outcomes]) for name in outcomes[0]}


def test_demonstrations_are_right_and_thrifty_or_as_noisy_as_told(splits):
    def outcomes(**noise):
        length = TASK.completion_length
        return replay(
            splits["train"], demonstrations(splits["train"], 0, length, **noise)
        )

    right = outcomes(noise=0.0, waste=0.0, skip=0.0)
    assert right["correct"].all() and not right["useless_calls"].any()
    np.testing.assert_array_equal(right["calls"], right["least_calls"])
    assert 0 < right["least_calls"].mean() < 2
    wasteful = outcomes(noise=0.0, waste=1.0, skip=0.0)
    steps = (splits["train"]["terms"] >= 0).sum(1) - 1
    assert wasteful["correct"].all() and (wasteful["calls"] == steps).all()
    wrong = outcomes(noise=1.0, waste=0.0, skip=1.0)
    # two slips of 1 to 9 undo each other with probability 1 / 18, of three fewer do
    assert wrong["correct"].mean() < 0.15 and not wrong["calls"].any()


@pytest.mark.parametrize(
    "change",
    [{"min_terms": 1}, {"max_terms": 6}, {"hard_percent": 101}, {"hard_digits": 4}],
)
def test_impossible_sums_are_refused_in_one_sentence(tmp_path, change):
    with pytest.raises(ValueError, match="make no prompts; keep 2 <= min_terms <= max"):
        load("train", tmp_path, **SMALL | change)
