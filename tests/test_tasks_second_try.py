"""Sums in two tries on the device against their twin, which reads text."""

import jax
import numpy as np
from jax import lax

from rewardlab.tasks import TASKS
from rewardlab.tasks.second_try.data import demonstrations, load
from rewardlab.tasks.second_try.environment import (
    ACTION_LENGTH,
    ENVIRONMENT,
    OUTCOMES,
    REWARDS,
)
from rewardlab.tasks.second_try.text import ENVIRONMENT as TWIN

TASK = TASKS["second_try"]
CURIOUS = (
    "",
    "#",
    "12",
    "#05",
    "#0",
    "#12345",
    "##5",
    "#5#",
    "#1a",
    "#9999",
    "1234567",
)


@jax.jit
@jax.vmap
def episodes(facts, actions, lengths):
    def advance(state, now):
        seen = ENVIRONMENT.observe(state, *now)
        return seen.state, (seen, ENVIRONMENT.outcome(seen.state))

    return lax.scan(advance, ENVIRONMENT.init(facts), (actions, lengths))[1]


def played(answers, scripts):
    texts = [[a if len(a) == ACTION_LENGTH else f"{a}\n" for a in s] for s in scripts]
    lengths = np.array([[len(text) for text in row] for row in texts])
    ids = np.full((*lengths.shape, ACTION_LENGTH), TASK.tokenizer.pad_id, np.int32)
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            ids[i, j, : len(text)] = TASK.tokenizer.encode(text)
    return jax.device_get(episodes({"answer": np.array(answers)}, ids, lengths))


def test_the_device_and_the_twin_agree():
    """On right, wrong and curious answers in both places."""
    rng = np.random.default_rng(0)
    answers = rng.choice([0, 7, 12, 100, 9999], 200)
    scripts = [
        [str(rng.choice([f"#{a}", f"#{a + 1}", *CURIOUS])) for _ in "ab"]
        for a in answers
    ]
    seen, outcomes = played(answers, scripts)
    assert set(seen.rewards) == {*REWARDS} and set(outcomes) == {*OUTCOMES}
    assert set(TASK.signals) == {*REWARDS, *OUTCOMES}
    mended = 0
    for n, script in enumerate(scripts):
        state = TWIN.reset({"answer": answers[n]})
        for t, action in enumerate(script):
            state, text, done, rewards = TWIN.step(state, action)
            size = seen.length[n, t]
            said = TASK.tokenizer.decode(seen.tokens[n, t, :size].tolist())
            assert (said, seen.done[n, t]) == (text, done), action
            wanted = rewards | TWIN.outcome(state)
            got = {k: x[n, t] for k, x in (seen.rewards | outcomes).items()}
            assert got == wanted, (answers[n], script[: t + 1])
        mended += wanted["correct"] > wanted["first_correct"]
    assert mended > 10


def test_demonstrations_mend_and_spoil(tmp_path):
    columns = load("train", tmp_path, train=64, validation=4, test=4)
    assert columns["truth"].shape == (64, 6)
    shown = demonstrations(columns, 0, 18, noise=0.5, mend=1, spoil=0)
    for row, answer in enumerate(columns["answer"]):
        ids = shown.tokens[row][shown.mask[row]].tolist()
        first, second = TASK.tokenizer.decode(ids).split()
        assert second == f"#{answer}" and first.startswith("#")
    ends = shown.valid.sum(axis=1) - shown.mask.sum(axis=1)
    assert (ends == 2).all()  # the environment's "?" and its new line
