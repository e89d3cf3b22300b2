"""The task that files of problems are, from a config to a run."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from small import TINY_FLAT

from rewardlab.data.columns import prompt_texts
from rewardlab.runs.config import default_config
from rewardlab.runs.handed import handed
from rewardlab.runs.prepare import prepare as prepared
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train

SHAPED = "outcome('exact') | center_by_group() | broadcast_to_tokens()"


def problems(path, count=40, **columns):
    """Word problems with their answers, as a person has them."""
    rows = [
        {"prompt": f"{i} and 1?", "answer": str(i + 1), "id": f"p{i}", "hard": i % 3}
        for i in range(count)
    ]
    path.write_text("".join(json.dumps(row | columns) + "\n" for row in rows))
    return str(path)


def exact(completions, answer, prompts, id, hard, **_):
    """The verifier sees what stands in the file, a row for each completion."""
    for prompt, right, name, level in zip(prompts, answer, id, hard, strict=True):
        number = int(right) - 1
        assert prompt == f"{number} and 1?" and name == f"p{number}"
        assert level == number % 3
    return [float(len(text) > 3) for text in completions]


def prepare(config, tmp_path, scorers=()):
    with handed(config, scorers=scorers) as named:
        return prepared(named, tmp_path)


def config_of(tmp_path, **changes):
    config = default_config("data")
    values = {
        **TINY_FLAT,
        "data.path": problems(tmp_path / "mine.jsonl"),
        "data.held_out": 0.25,
        "reward": SHAPED,
        "rollout.num_prompts": 4,
        "rollout.num_generations": 2,
        "rollout.max_completion_length": 8,
        "eval.num_generations": 2,
        "train.max_steps": 2,
        "mesh.devices": 1,
        **changes,
    }
    config.update_from_flattened_dict(values)
    return config


def test_a_file_and_a_verifier_train(tmp_path):
    config = config_of(tmp_path)
    result = train(config, tmp_path / "run", scorers=exact)
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert rows[-1]["step"] == 2 and 0 < rows[-1]["rewards/exact/mean"] <= 1
    assert result.before == result.after == {}  # nobody says what is correct


def test_splits_and_their_sizes_are_said(tmp_path):
    config = config_of(tmp_path, **{"data.demonstrations": "answer", "warmup.steps": 1})
    config.warmup.batch_size = 4
    run = prepare(config, tmp_path, exact)
    assert run.problems.size == 30 and run.held_out.size == 10
    assert run.problems.arrays["id"].tolist() == list(range(30))
    assert "30 problems to train on and 10 held out; prompts have" in run.notes[0]
    texts = prompt_texts(run.problems.arrays, run.task.tokenizer)
    assert texts == run.problems.facts["prompts"]
    imitated = run.task.demonstrations(run.problems.columns, 0, 4)
    said = run.task.tokenizer.decode(imitated.tokens[3][imitated.valid[3]].tolist())
    assert said == run.problems.facts["answer"][3]


def test_a_file_for_each_split(tmp_path):
    config = config_of(tmp_path, **{"data.path": ""})
    config.data.train = problems(tmp_path / "train.jsonl", 8)
    config.data.test = problems(tmp_path / "test.jsonl", 3)
    config.eval.num_problems = 2
    run = prepare(config, tmp_path, exact)
    assert run.problems.size == 8 and run.held_out.size == 2


def test_prompts_that_do_not_fit_are_left_out_or_refused(tmp_path):
    config = config_of(tmp_path, **{"rollout.max_prompt_length": 8})  # "9 and 1?"
    config.rollout.num_prompts = 2
    run = prepare(config, tmp_path, exact)
    assert run.problems.arrays["prompts"].shape[1] == 8
    assert run.problems.size + run.held_out.size == 10
    left = [re.match(r"(\d+) of the \d+ prompts", note) for note in run.notes]
    assert sum(int(found[1]) for found in left if found) == 30
    config.data.too_long = "refuse"
    with pytest.raises(ValueError, match="has 9 tokens, above rollout.max_prompt_le"):
        prepare(config, tmp_path)
    config.rollout.max_prompt_length = 3
    config.data.too_long = "drop"
    with pytest.raises(ValueError, match="no prompt of .* fits rollout.max_prompt_len"):
        prepare(config, tmp_path)


def test_a_prompt_of_messages_is_answered_by_one(tmp_path):
    """As TRL has it; and a column of numbers may be a signal."""
    chat = [{"role": "user", "content": "1?"}]
    lines = [{"prompt": chat if i % 2 else "1?", "level": i} for i in range(8)]
    path = tmp_path / "chat.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    seen = []

    def lone(prompts, completions, level, **_):
        seen.extend(zip(prompts, completions, level, strict=True))
        return [1.0] * len(completions)

    config = config_of(tmp_path, **{"data.path": "", "data.train": str(path)})
    config.data.test, config.scorers = str(path), "column('level')"
    config.reward = SHAPED.replace("exact", "level")
    config.train.max_steps, config.rollout.num_prompts = 1, 2
    train(config, tmp_path / "run", scorers=lone)
    for prompt, completion, level in seen:
        assert prompt == (chat if level % 2 else "1?")
        assert isinstance(completion, list if level % 2 else str)
        assert level % 2 == 0 or completion[0]["role"] == "assistant"
    row = read_metrics(tmp_path / "run" / "metrics.jsonl")[-1]
    assert row["reward/mean"] == row["rewards/level/mean"] and row["eval/lone"] == 1


REFUSED = {
    "data.path='none.jsonl'": "none.jsonl cannot be read: .* No such file",
    "data.path=''": "set data.path to a source that has both splits",
    "data.train='a.jsonl'": "set data.path to a source that has both splits",
    "data.held_out=0.001": "data.held_out=0.001 of the 40 different prompts",
    "data.held_out=1.5": "data.held_out=1.5 must be above 0 and below 1",
    "data.prompt='question'": "has no column 'question'; have .*'prompt'",
    "data.demonstrations='steps'": "has no column 'steps'; have answer, id, hard",
    "data.demonstrations='hard'": "has not only text in its column 'hard'",
    "warmup.steps=5": "no demonstrations .* name their column in data.demonstrations",
    "eval.num_problems=99": "eval.num_problems=99 and the test split has 10; lower it",
    "rollout.num_prompts=99": "num_prompts=99 and the train split has 30 problems",
    "data.too_long='cut'": "data.too_long='cut' is unknown; have drop, refuse",
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path, change):
    key, value = change.split("=")
    value = value.strip("'") if "'" in value else float(value)
    value = int(value) if value == 5 or value == 99 else value
    config = config_of(tmp_path, **{key: value})
    with pytest.raises(ValueError, match=REFUSED[change]) as error:
        prepare(config, tmp_path, exact)
    assert "\n" not in str(error.value)


def test_files_that_nothing_reads_are_refused(tmp_path):
    config = default_config()
    config.data.path = problems(tmp_path / "mine.jsonl")
    with pytest.raises(ValueError, match="data.path=.* does nothing, .*'arithmetic'"):
        prepare(config, tmp_path)


def test_a_task_of_ones_own_may_have_nothing_but_problems(tmp_path):
    config = default_config(f"{__name__}:BARE")
    assert config.warmup.steps == 0 and config.eval.num_problems == 0
    config.update_from_flattened_dict(TINY_FLAT | {"mesh.devices": 1})
    config.rollout.num_prompts, config.reward = 2, SHAPED.replace("exact", "lone")
    run = prepare(config, Path(tmp_path), lone)
    assert run.problems.size == 3 and set(run.held_out.facts["note"]) == {*"abc"}


def lone(completions, **_):
    return [None] * len(completions)


def _bare(split, data_dir):
    ids = np.arange(3)
    prompts = {"prompts": ids[:, None] + 2, "prompt_mask": np.ones((3, 1), bool)}
    return {**prompts, "id": ids, "note": ["a", "b", "c"]}


def _task():
    from rewardlab.tasks import Task
    from rewardlab.text.tokenizers import CharTokenizer

    return Task(CharTokenizer("abc"), _bare)


BARE = _task()
