"""A thinker and a solver on the device against their twin, which reads text."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rewardlab.data.columns import prompt_texts
from rewardlab.tasks import TASKS
from rewardlab.tasks.think_solve.data import demonstrations, load
from rewardlab.tasks.think_solve.environment import (
    ACTION_LENGTH,
    ENVIRONMENT,
    MAX_TURNS,
    OUTCOMES,
    REWARDS,
)
from rewardlab.tasks.think_solve.text import ENVIRONMENT as TWIN

TASK = TASKS["think_solve"]
CURIOUS = ("", "#", "05", "0", "12345", "#5", "5=", "1a", "9999", "123456")


@jax.jit
@jax.vmap
def episodes(facts, actions, lengths):
    def advance(state, now):
        seen = ENVIRONMENT.observe(state, *now)
        return seen.state, (seen, ENVIRONMENT.outcome(seen.state))

    return lax.scan(advance, ENVIRONMENT.init(facts), (actions, lengths))[1]


def played(terms, absent, scripts):
    texts = [[a if len(a) == ACTION_LENGTH else f"{a}\n" for a in s] for s in scripts]
    lengths = np.array([[len(text) for text in row] for row in texts])
    ids = np.full((*lengths.shape, ACTION_LENGTH), TASK.tokenizer.pad_id, np.int32)
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            ids[i, j, : len(text)] = TASK.tokenizer.encode(text)
    facts = {"terms": terms, "answer": terms.clip(0).sum(axis=1), "absent": absent}
    return jax.device_get(episodes(facts, ids, lengths))


def problems(seed=0, count=300):
    """Sums of two or three terms, who is left out, and what is said in four turns."""
    rng = np.random.default_rng(seed)
    terms = rng.choice([1, 7, 12, 99], (count, 3))
    terms[rng.random(count) < 0.3, 2] = -1
    absent, scripts = rng.integers(-1, 2, count), []
    for row in terms:
        known = [t for t in row if t >= 0]
        part, whole = sum(known[:-1]), sum(known)
        near = [part, whole, part + 1, part + 1 + known[-1]]
        said = rng.choice([*near, *near, *near, *CURIOUS], MAX_TURNS)
        scripts.append([str(x) for x in said])
    return terms, absent, scripts


def test_the_device_and_the_twin_agree():
    """On right, wrong and curious turns of both agents, and of either alone."""
    terms, absent, scripts = problems()
    seen, outcomes = played(terms, absent, scripts)
    assert set(seen.rewards) == {*REWARDS} and set(outcomes) == {*OUTCOMES}
    assert set(TASK.signals) == {*REWARDS, *OUTCOMES}
    right = {-1: 0, 0: 0, 1: 0}
    for n, script in enumerate(scripts):
        state = TWIN.reset({"terms": terms[n], "absent": absent[n]})
        for t, action in enumerate(script):
            state, text, done, rewards = TWIN.step(state, action)
            size = seen.length[n, t]
            said = TASK.tokenizer.decode(seen.tokens[n, t, :size].tolist())
            assert (said, seen.done[n, t]) == (text, done), (script, absent[n])
            wanted = rewards | TWIN.outcome(state)
            got = {k: x[n, t] for k, x in (seen.rewards | outcomes).items()}
            assert got == {k: np.float32(x) for k, x in wanted.items()}, script[: t + 1]
            if done:
                break
        assert t + 1 == (MAX_TURNS if absent[n] < 0 else MAX_TURNS // 2)
        right[int(absent[n])] += wanted["correct"]
    assert right[-1] > 5 and right[0] > 5 and right[1] == 0  # nobody answers


def test_agents_take_turns_and_each_has_work_of_its_own():
    """A solver that adds rightly to a wrong message is right about its own step alone;
    without a message only the whole sum is right."""
    script = ["60", "131", "", "124"]
    seen, outcomes = played(np.array([[48, 5, 71]]), np.array([-1]), [script])
    assert seen.rewards["agent"][0].tolist() == [0, 1, 0, 1]
    assert seen.rewards["step_correct"][0].tolist() == [0, 1, 0, 1]
    assert seen.rewards["attempt"][0].tolist() == [0, 0, 0, 1]
    assert seen.rewards["format"][0].tolist() == [1, 1, 0, 1]
    assert outcomes["correct"][0].tolist() == [0, 0, 0, 1]


def test_who_is_left_out_says_nothing(tmp_path):
    """The other reads what it reads after a message without content."""
    columns = load("train", tmp_path, train=8, validation=4, test=4)
    numbers = {name: x for name, x in columns.items() if name != "reference"}
    device = jax.tree.map(jnp.asarray, numbers)
    before = prompt_texts(columns, TASK.tokenizer)
    solver, thinker = (jax.device_get(TASK.agents.without(device, m)) for m in (0, 1))
    assert prompt_texts(solver, TASK.tokenizer) == [f"{x}\n#" for x in before]
    assert prompt_texts(thinker, TASK.tokenizer) == before
    assert solver["prompts"].shape == thinker["prompts"].shape
    assert (solver["absent"] == 0).all() and (thinker["absent"] == 1).all()
    alone = TWIN.step(TWIN.reset({"terms": [48, 5, 71], "absent": 0}), "124")
    silent = TWIN.step(TWIN.reset({"terms": [48, 5, 71]}), "")
    silent = TWIN.step(silent.state, "124")
    assert alone.text == silent.text + "\n#"
    assert alone.rewards == silent.rewards


def test_demonstrations_err_and_are_silent(tmp_path):
    columns = load("train", tmp_path, train=64, validation=4, test=4)
    assert columns["truth"].shape == (64, 5)
    length = TASK.completion_length

    def said(noise, silent):
        shown = demonstrations(columns, 0, length, noise, silent)
        for row, terms in enumerate(columns["terms"]):
            ids = shown.tokens[row][shown.mask[row]].tolist()
            yield terms[terms >= 0].tolist(), TASK.tokenizer.decode(ids).split("\n")

    for terms, turns in said(0, 0):
        part, whole = str(sum(terms[:-1])), str(sum(terms))
        assert turns == [part, whole, part, whole, ""]
    for terms, turns in said(0, 1):
        assert turns == ["", str(sum(terms)), "", str(sum(terms)), ""]
    for terms, turns in said(1, 0):
        assert turns[0] != str(sum(terms[:-1]))
        assert int(turns[1]) != int(turns[0]) + terms[-1]
