"""Multi-hop search on the device against its twin in Python, and its problems."""

import jax
import numpy as np
import pytest

from rewardlab.data.columns import prompt_texts
from rewardlab.data.datasets import SPLITS
from rewardlab.tasks import TASKS
from rewardlab.tasks.search import data as search_data
from rewardlab.tasks.search import text as search_text
from rewardlab.tasks.search.data import load
from rewardlab.tasks.search.environment import END, ENVIRONMENT, MAX_TURNS, TOKENIZER

SMALL = {"train": 160, "validation": 15, "test": 20, "distractors": 5}
STORE = ("keys", "values", "path", "answer")
TEXT = search_text.ENVIRONMENT


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    return {split: load(split, data_dir, **SMALL) for split in SPLITS}


def row(columns, number):
    return {name: columns[name][number] for name in STORE}


def stored(columns, number):
    """The store as a dict, the path's keys and the answer, as text."""
    keys, values = (
        [TOKENIZER.decode(ids) for ids in columns[name][number].tolist()]
        for name in ("keys", "values")
    )
    path = [keys[i] for i in columns["path"][number].tolist() if i >= 0]
    return dict(zip(keys, values, strict=True)), path


def script(columns, number, rng):
    """One episode's actions, each with its end: right, wrong, malformed, cut off."""
    facts, path = stored(columns, number)
    due, actions = 0, []
    for _ in range(MAX_TURNS):
        right = f"?{path[due]}\n" if due < len(path) else f"#{facts[path[-1]]}\n"
        known, place = rng.choice(list(facts)), rng.integers(4)
        odd = "".join(rng.choice(list("?#a7="), rng.integers(5)))
        other = rng.choice(list("az09?#·"))  # the ends of the ranges, and none of them
        ways = [
            right,
            f"?{known}\n",
            actions[-1] if actions else "\n",
            f"?{known}"[:place] + other + f"?{known}"[place + 1 :] + "\n",
            f"?{known[:2]}z\n",
            f"?{known}rr",  # cut off after as many tokens as a turn may have
            f"#{known[:2]}\n",
            f"#{known}\n",
            f"{odd}\n",
        ]
        weight = np.array([10, 2, 2, 3, 1, 1, 0.3, 1, 1])
        action = ways[rng.choice(len(ways), p=weight / weight.sum())]
        due += action == right
        actions.append(action)
    return actions


def encoded(action):
    return [TOKENIZER.pad_id if c == "·" else TOKENIZER.encode(c)[0] for c in action]


@jax.jit
@jax.vmap
def played(facts, actions, lengths):
    """All turns of one script, and the outcome after each; `done` stops nothing."""

    def turn(state, action):
        seen = ENVIRONMENT.observe(state, *action)
        return seen.state, (seen._replace(state=()), ENVIRONMENT.outcome(seen.state))

    return jax.lax.scan(turn, ENVIRONMENT.init(facts), (actions, lengths))[1]


def test_device_and_text_environments_agree_turn_by_turn(splits):
    train, rng = splits["train"], np.random.default_rng(0)
    scripts = [script(train, n, rng) for n in range(160)]
    length = ENVIRONMENT.action_length
    ids = [[encoded(action) for action in actions] for actions in scripts]
    lengths = np.array([[len(action) for action in actions] for actions in ids])
    padded = [[a + [0] * (length - len(a)) for a in actions] for actions in ids]
    seen, outcomes = jax.device_get(
        played(row(train, slice(None)), np.array(padded), lengths)
    )
    met = {name: 0 for name in (*seen.rewards, *outcomes, "cut off")}
    for number, actions in enumerate(scripts):
        state = TEXT.reset(row(train, number))
        for turn, action in enumerate(actions):
            at = (number, turn)
            wanted = TEXT.step(state, action.removesuffix("\n"))
            state = wanted.state
            tokens = seen.tokens[at].tolist()
            written = TOKENIZER.encode(wanted.text)
            assert seen.length[at] == len(written), action
            assert tokens == written + [0] * (len(tokens) - len(written)), action
            assert bool(seen.done[at]) == wanted.done, action
            facts = wanted.rewards | TEXT.outcome(state)
            got = {name: x[at] for name, x in (seen.rewards | outcomes).items()}
            assert got.keys() == facts.keys()
            for name, value in facts.items():
                assert abs(got[name] - value) < 1e-6, (name, action)
                met[name] += value != 0
            met["cut off"] += lengths[at] == length
            if wanted.done:
                break
    assert min(met.values()) > 10, met
    assert set(TASKS["search"].signals) == seen.rewards.keys() | outcomes.keys()


def test_the_text_environment_keeps_to_its_rules(splits):
    """The rules once more, by hand: each query's observation and rewards."""
    facts, path = stored(splits["train"], 0)
    wrong = {"hop": 0.0, "found": 0.0, "useful": 0.0, "format": 0.0}
    off = next(key for key in facts if key not in path)
    unknown = next(k for k in (f"{path[0][:2]}{c}" for c in "abcdef") if k not in facts)
    formed = wrong | {"format": 1}
    first = formed | {"hop": 1, "found": 1, "useful": 1}
    found = formed | {"found": 1}
    turns = [
        (f"?{path[1]}", f"={facts[path[1]]}\n", found),  # not its turn yet
        (f"?{path[0]}", f"={facts[path[0]]}\n", first),
        (f"?{path[0]}", f"={facts[path[0]]}\n", found),  # once only
        (f"?{off}", f"={facts[off]}\n", found),
        (f"?{unknown}", "=-\n", formed),
        ("?a7", "!\n", wrong),
        (f" #{facts[path[-1]]}", "!\n", wrong),
        (f"?{path[1]}", f"={facts[path[1]]}\n", first),
        (f"#{facts[path[-1]]}", "", formed | {"useful": 1}),
    ]
    state = TEXT.reset(row(splits["train"], 0))
    before = [0, 0, 1, 1, 1, 1, 1, 1, 2]  # hops, in order
    for (action, text, rewards), reached in zip(turns, before, strict=True):
        turn = TEXT.step(state, action)
        on_the_way = {
            "milestones": reached / len(path),
            "progress": reached / (len(path) + 1),
            "potential": reached - len(path) - 1,
        }
        assert (turn.text, turn.done) == (text, text == "")
        assert turn.rewards == rewards | on_the_way
        state = turn.state
    hops, calls = 2 / len(path), 6
    outcome = {"correct": 1, "hops": hops, "calls": calls, "useless_calls": calls - 2}
    letter, digit = facts[path[-1]]
    outcome["answer_id"] = 10 * (ord(letter) - ord("a")) + int(digit)
    assert TEXT.outcome(state) == outcome | {"progress_end": 1.0}


def test_columns_say_the_same_problem(splits):
    for columns in splits.values():
        for number, text in enumerate(prompt_texts(columns, TOKENIZER)):
            facts, path = stored(columns, number)
            entity, relations = text.removesuffix("?").split(":")
            passed = [entity]
            for relation, key in zip(relations, path, strict=True):
                assert key == passed[-1] + relation
                passed.append(facts[key])
            assert len(set(relations)) == len(relations) in (2, 3, 4)
            assert len(set(passed)) == len(passed)
            off = facts.keys() - set(path)
            assert len(facts) == 4 + 5 and not {facts[k] for k in off} & set(passed)
            truth = columns["truth"][number][columns["truth_mask"][number]]
            assert TOKENIZER.decode(truth.tolist()) == f"#{passed[-1]}\n"
            assert truth[-1] == END
            assert TEXT.reset(row(columns, number)).answer == passed[-1]


def test_splits_share_no_question_however_few_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(search_data, "ENTITIES", search_data.ENTITIES[:9])
    monkeypatch.setattr(search_data, "RELATIONS", ["r", "s", "t"])
    splits = [load(s, tmp_path, **SMALL, max_hops=2) for s in SPLITS]
    texts = [set(prompt_texts(columns, TOKENIZER)) for columns in splits]
    assert sum(map(len, texts)) == len(set.union(*texts)) <= 9 * 3 * 2
    ids = [columns["id"].tolist() for columns in splits]
    assert sum(ids, []) == list(range(195))


def imitated(columns, seed=0, **how):
    """The outcomes of demonstrations, by reading and replaying them as texts."""
    length = TASKS["search"].completion_length
    tokens, mask, valid = TASKS["search"].demonstrations(columns, seed, length, **how)
    outcomes = []
    for number in range(len(tokens)):
        state = TEXT.reset(row(columns, number))
        text = TOKENIZER.decode(tokens[number][valid[number]].tolist())
        own = "".join("x" if mine else " " for mine in mask[number][valid[number]])
        lines, place = text.splitlines(keepends=True), 0
        for act, observed in zip(lines[::2], [*lines[1::2], ""], strict=True):
            turn = TEXT.step(state, act.removesuffix("\n"))
            assert turn.text == observed and turn.done == (observed == "")
            wanted = "x" * len(act) + " " * len(observed)
            assert own[place : place + len(wanted)] == wanted
            state, place = turn.state, place + len(wanted)
        assert place == len(text) and turn.done
        outcomes.append(TEXT.outcome(state))
    return {k: np.array([o[k] for o in outcomes]) for k in outcomes[0]}


def test_right_demonstrations_are_right_and_noisy_ones_as_noisy_as_told(splits):
    train = splits["train"]
    right = imitated(train, noise=0.0, early=0.0)
    assert right["correct"].all() and (right["hops"] == 1).all()
    assert not right["useless_calls"].any()
    hops = right["calls"]
    hasty = imitated(train, noise=0.0, early=1.0)
    assert not hasty["correct"].any() and (hasty["calls"] == 1).all()
    lost = imitated(train, noise=1.0, early=0.0)
    assert not lost["correct"].any() and not lost["hops"].any()
    # each turn between the first hop and the last answers early with probability 0.3
    some, chance = imitated(train, noise=0.0, early=0.3)["correct"], 0.7 ** (hops - 1)
    error = np.sqrt(np.mean(chance * (1 - chance)) / len(hops))
    assert abs(np.mean(some) - np.mean(chance)) < 4 * error
    noisy = imitated(train, **TASKS["search"].noise)
    assert 0.3 < noisy["correct"].mean() < 0.8 and (noisy["useless_calls"] > 0).any()
    other = imitated(train, seed=(0, 1), **TASKS["search"].noise)
    assert not np.array_equal(other["calls"], noisy["calls"])


@pytest.mark.parametrize(
    "change",
    [{"min_hops": 1}, {"max_hops": 5}, {"min_hops": 4, "max_hops": 3}]
    + [{"distractors": count} for count in (-1, 101)],
)
def test_impossible_difficulty_is_refused_in_one_sentence(tmp_path, change):
    with pytest.raises(ValueError, match="make no problems; keep 2 <= min_hops <= max"):
        load("train", tmp_path, **SMALL | change)
