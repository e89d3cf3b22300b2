"""The workflow environment on the device against its twin, and its demonstrations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.data.columns import prompt_texts, take
from rewardlab.tasks import TASKS
from rewardlab.tasks.workflow import text as workflow_text
from rewardlab.tasks.workflow.data import NOISE, demonstrations, load
from rewardlab.tasks.workflow.environment import ENVIRONMENT, TOKENIZER

TEXT = workflow_text.ENVIRONMENT
SIZES = {"train": 60, "validation": 20, "test": 20}
ODD = ["", "i", "i ", "ix", "i  x", "i !", "i ab", "e", "e x", "tt", "ss", "t ", " s"]
ODD += [
    "stop",
    "i x y",
    "e x1234",
    "e 37",
    "e x 37",
    "x",
    "fail",
    "0",
    ":::::::",
    "i i",
]
NAMES = ("correct", "submitted", "calls", "tests_run")


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return {split: load(split, folder, **SIZES) for split in SIZES}


def script(rng, problem, turns):
    """Actions of which many are right, some wrong or odd, and one may be cut off."""
    modules, broken, value = problem
    near = value[:-1] + str((int(value[-1]) + 1) % 10)
    some = [f"i {m}" for m in modules] + [f"e {m}{value}" for m in modules]
    some += [
        f"e {broken}{near}",
        f"e {broken}x{value[1:]}",
        f"e {broken}{value}0",
        f"e {broken}{value[0]}",
        "t",
    ]
    good = [f"i {broken}", f"e {broken}{value}", "t", "s"]
    pools, p = (some, good, ODD, ["iiiiiiii"]), (0.45, 0.35, 0.16, 0.04)
    return [rng.choice(pools[rng.choice(4, p=p)]) for _ in range(turns)]


def encoded(actions, rng):
    """[S, A] tokens and [S] lengths; an action of A tokens has no end."""
    width = ENVIRONMENT.action_length
    tokens = rng.integers(0, TOKENIZER.vocab_size, (len(actions), width))
    lengths = np.zeros(len(actions), int)
    for row, action in enumerate(actions):
        ids = [*TOKENIZER.encode(action), ENVIRONMENT.turn_end][:width]
        tokens[row, : len(ids)], lengths[row] = ids, len(ids)
    return tokens, lengths


@jax.jit
@jax.vmap
def play(facts, tokens, lengths):
    def turn(state, action):
        seen = ENVIRONMENT.observe(state, *action)
        return seen.state, (seen._replace(state=()), ENVIRONMENT.outcome(seen.state))

    return jax.lax.scan(turn, ENVIRONMENT.init(facts), (tokens, lengths))[1]


def facts_of(columns):
    names = ("modules", "broken", "value", "budget")
    return {name: columns[name] for name in names}


def test_the_device_does_what_the_text_says(splits):
    """Turn by turn: what is observed, whether it is over, every reward and outcome."""
    rng = np.random.default_rng(0)
    columns = take(splits["train"], rng.integers(0, SIZES["train"], 400))
    decode = TOKENIZER.decode
    problems = [
        (decode(m), decode([b]), decode(v))
        for m, b, v in zip(
            columns["modules"], columns["broken"], columns["value"], strict=True
        )
    ]
    scripts = [script(rng, p, ENVIRONMENT.max_turns) for p in problems]
    tokens, lengths = zip(*(encoded(s, rng) for s in scripts), strict=True)
    played = play(facts_of(columns), np.stack(tokens), np.stack(lengths))
    seen, facts = jax.device_get(played)
    met = set()
    for row, actions in enumerate(scripts):
        state = TEXT.reset(take(columns, np.array(row)))
        for s, action in enumerate(actions):
            turn = TEXT.step(state, action)
            state = turn.state
            where = f"{problems[row]} {actions[: s + 1]}"
            ids = seen.tokens[row, s, : seen.length[row, s]]
            assert TOKENIZER.decode(ids.tolist()) == turn.text, where
            assert seen.done[row, s] == turn.done, where
            rewards = {name: x[row, s] for name, x in seen.rewards.items()}
            assert rewards == turn.rewards, where
            outcome = {name: x[row, s] for name, x in facts.items()}
            assert outcome == TEXT.outcome(state), where
            met |= {(turn.text[:1], turn.done, turn.rewards["useful"])}
            if turn.done:
                met |= {("end", outcome["submitted"], outcome["correct"])}
                break
    observed = {(text, False, 0.0) for text in ("o", "p", "f", "!")}
    ends = {("end", 0.0, 0.0), ("end", 1.0, 0.0), ("end", 1.0, 1.0)}
    assert observed | ends | {("p", False, 1.0), ("o", False, 1.0)} <= met


def test_rewards_tempt_away_from_submitting(splits):
    """By hand, from the rules: one a turn for progress of any kind."""
    problem = take(splits["test"], np.array([0]))
    broken, value = (TOKENIZER.decode(problem[n].ravel()) for n in ("broken", "value"))
    edit = f"e {broken}{value}"
    scripts = {
        "shortest": [f"i {broken}", edit, "s"],
        "tested": [f"i {broken}", edit, "t", "t", "s"],
        "untested": ["s"],
        "inspecting": [f"i {broken}"] * 8,
        "testing": ["t"] * 8,
        "undone": [f"i {broken}", edit, f"e {broken}{value[:-1]}x", edit, "t", edit],
    }
    stage, useful, correct = {}, {}, {}
    ids = [
        encoded(s + ["s"] * (8 - len(s)), np.random.default_rng(0))
        for s in scripts.values()
    ]
    tokens, lengths = (np.stack(x) for x in zip(*ids, strict=True))
    rows = {k: np.repeat(v, len(scripts), 0) for k, v in facts_of(problem).items()}
    seen, facts = jax.device_get(play(rows, tokens, lengths))
    for row, (name, actions) in enumerate(scripts.items()):
        rewards = {k: v[row, : len(actions)].tolist() for k, v in seen.rewards.items()}
        stage[name], useful[name] = sum(rewards["stage"]), rewards["useful"]
        correct[name] = facts["correct"][row, len(actions) - 1]
    assert stage == {
        **{"shortest": 2, "tested": 4, "untested": 0},
        **{"inspecting": 8, "testing": 8, "undone": 5},
    }
    assert correct["shortest"] == correct["tested"] == 1
    assert correct["untested"] == correct["testing"] == correct["inspecting"] == 0
    assert stage["testing"] > stage["tested"] + correct["tested"]
    assert useful["tested"] == [1, 1, 1, 0, 1] and useful["untested"] == [0]
    assert useful["inspecting"] == [1] + [0] * 7
    assert useful["undone"] == [1, 1, 0, 0, 1, 0]  # the odd edit changes nothing


def test_splits_share_no_problem_and_say_what_their_prompts_say(splits):
    seen = set()
    for split, size in SIZES.items():
        columns, decode = splits[split], TOKENIZER.decode
        texts, keys = prompt_texts(columns, TOKENIZER), set()
        for row in range(size):
            modules, broken, value, edit = (
                decode(columns[name][row].ravel())
                for name in ("modules", "broken", "value", "truth")
            )
            assert texts[row] == f"fix {modules}:" and len(set(modules)) == 3
            assert broken in modules and edit == f"e {broken}{value}\n"
            assert len(value) == 2 and value.isdigit()
            keys.add((frozenset(modules), broken, value))
        assert len(texts) == size and not keys & seen
        assert columns["truth_mask"].all() and (columns["budget"] == 8).all()
        seen |= keys


def replayed(episodes, columns):
    """Each demonstration's outcome, by its text: what is imitated acts, in turns."""
    outcomes = []
    for row, (tokens, mask, valid) in enumerate(zip(*episodes, strict=True)):
        state = TEXT.reset(take(columns, np.array(row)))
        rest, own, done = TOKENIZER.decode(tokens[valid]), mask[valid], False
        while rest:
            action, _, rest = rest.partition("\n")
            size = len(action) + 1
            assert own[:size].all() and not done
            state, text, done, _ = TEXT.step(state, action)
            assert rest.startswith(text) and not own[size : size + len(text)].any()
            rest, own = rest[len(text) :], own[size + len(text) :]
        assert done
        outcomes.append(TEXT.outcome(state))
    return {n: np.array([outcome[n] for outcome in outcomes]) for n in NAMES}


def test_demonstrations_are_as_good_as_told(splits):
    columns = take(splits["train"], np.arange(600) % SIZES["train"])
    length = TASKS["workflow"].completion_length
    clean = dict.fromkeys(NOISE, 0.0)
    right = replayed(demonstrations(columns, 0, length, **clean), columns)
    assert right["correct"].all() and (right["tests_run"] == 1).all()
    # a fault at place 1, 2 or 3, then edit, test, submit
    assert set(right["calls"]) == {4, 5, 6} and abs(right["calls"].mean() - 5) < 0.1
    hasty = replayed(
        demonstrations(columns, 0, length, **clean | {"hasty": 1}), columns
    )
    assert (hasty["calls"] == 1).all() and hasty["submitted"].all()
    wrong = replayed(
        demonstrations(columns, 0, length, **clean | {"wrong": 1}), columns
    )
    assert not wrong["correct"].any() and not wrong["submitted"].any()
    noisy = replayed(demonstrations(columns, 0, length, **NOISE), columns)
    assert 0.2 < noisy["correct"].mean() < 0.5 and 0 < noisy["submitted"].mean() < 1
    assert noisy["calls"].max() == 8
    again, other = (demonstrations(columns, s, length, **NOISE) for s in (0, (0, 1)))
    assert not np.array_equal(again.tokens, other.tokens)


def test_bad_difficulty_is_refused_in_one_sentence(tmp_path):
    for bad in ({"modules": 1}, {"digits": 4}, {"spare": -1}, {"modules": 4}):
        with pytest.raises(ValueError, match="make no problems; keep modules >= 2"):
            load("test", tmp_path, **SIZES | bad)


def test_an_episode_fits():
    """Whatever is done, the turn limit ends it before the length limit does."""
    task = TASKS["workflow"]
    turn = max(ENVIRONMENT.action_length + len("!\n"), len("i k\n") + len("k:123\n"))
    assert ENVIRONMENT.max_turns * turn <= task.completion_length
    longest = jnp.zeros(ENVIRONMENT.action_length, int)
    facts = {"modules": jnp.arange(4), "value": jnp.arange(3)}
    facts |= {"broken": jnp.array(0), "budget": jnp.array(8)}
    seen = jax.eval_shape(
        ENVIRONMENT.observe, ENVIRONMENT.init(facts), longest, jnp.array(8)
    )
    assert seen.tokens.shape == (ENVIRONMENT.observation_length,)
    assert set(task.signals) == {*seen.rewards, *NAMES}
