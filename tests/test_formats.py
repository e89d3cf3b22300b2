"""Formats of prompts: plain, a chat template's, few-shot; and where answers end."""

import json

import pytest
from folders import tokenizer_folder

from rewardlab import default_config
from rewardlab.data.formats import in_format, stops_of
from rewardlab.data.sources import read_table
from rewardlab.tasks import task_of
from rewardlab.text.folder import read_tokenizer
from rewardlab.text.formats import columns_of, options_of, stop_of
from rewardlab.text.stops import Stopping, stopping
from rewardlab.text.tokenizers import CharTokenizer

PROBLEMS = [{"prompt": f"{n}+1", "answer": n + 1} for n in range(4)]
TALK = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2+2"}]


@pytest.fixture(scope="module")
def opening(tmp_path_factory):
    return read_tokenizer(tokenizer_folder(tmp_path_factory.mktemp("tiny"), bos=True))


def file_of(tmp_path, rows):
    path = tmp_path / f"{len(rows)}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def texts(path, tokenizer, split="train", **options):
    data = {**default_config("data").data.to_dict(), **options}
    table = in_format(split, lambda split: read_table(path), data, tokenizer)
    return table.texts


def test_plain_text_is_opened_as_its_tokenizer_opens_texts(tmp_path, opening):
    path = file_of(tmp_path, [{"prompt": "2+2"}, {"prompt": TALK}])
    talk = "system: Be short.\nuser: 2+2\nassistant: "
    assert texts(path, opening) == ["<s>2+2", "<s>" + talk]
    assert opening.encode("<s>2+2")[:1] == list(opening.opening)
    assert texts(path, stopping(opening, ("\n",))) == texts(path, opening)
    assert texts(path, CharTokenizer("2+")) == ["2+2", talk]


def test_chat_is_what_the_template_says_with_its_options(tmp_path, opening):
    path = file_of(tmp_path, [{"prompt": "2+2"}, {"prompt": TALK}])
    asked = "<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n"
    system = "<|im_start|>system\nBe short.<|im_end|>\n"
    assert texts(path, opening, format="chat") == [asked, system + asked]
    told = {"format": "chat", "template_options": "enable_thinking=False"}
    thought = "<think>\n\n</think>\n\n"
    assert texts(path, opening, **told)[0] == asked + thought


def test_a_row_that_no_template_writes_is_named(tmp_path, opening):
    tool = [{"role": "tool", "content": "x"}]
    path = file_of(tmp_path, [{"prompt": "2+2"}, {"prompt": tool}])
    said = r"the prompt of row 1 of .*2.jsonl cannot be rendered by .*: no tools here"
    with pytest.raises(ValueError, match=said):
        texts(path, opening, format="chat")
    with pytest.raises(ValueError, match="data.format='chat' needs a tokenizer with a"):
        texts(path, CharTokenizer("ab"), format="chat")


def test_shots_stand_before_each_prompt_and_are_asked_of_nobody(tmp_path, opening):
    path = file_of(tmp_path, PROBLEMS)
    shots = "<s>Q: 0+1\nA: 1\nQ: 1+1\nA: 2\n"
    few = {"format": "few_shot", "shots": 2}
    wanted = [shots + f"Q: {n}+1\nA:" for n in (2, 3)]
    assert texts(path, opening, **few) == wanted == texts(path, opening, "test", **few)
    other = file_of(tmp_path, PROBLEMS[2:3])
    few |= {"shots": 1, "shots_from": other, "shot": "{prompt} = {answer};"}
    assert texts(path, opening, **few) == [f"<s>2+1 = 3;{n}+1 =" for n in (0, 1, 3)]


@pytest.mark.parametrize(
    "options, said",
    [
        ({"shots": 5}, "data.shots=5 and .* has 4 rows"),
        ({"shots": 4}, "every prompt of .* is a shot"),
        ({"shot": "{prompt}"}, "must name columns in braces"),
        ({"shot": "{answer}{prompt}"}, "must name columns in braces"),
        ({"shot": "{prompt}{answer.real}"}, "must name columns in braces"),
        ({"shot": "{prompt}{answer:>9}"}, "must name columns in braces"),
        ({"shot": "{prompt}{"}, "must name columns in braces"),
        ({"shot": "{prompt} {level} {answer}"}, "lacks the column 'level', which data"),
    ],
)
def test_few_shot_that_cannot_be_is_a_sentence(tmp_path, opening, options, said):
    with pytest.raises(ValueError, match=said):
        texts(file_of(tmp_path, PROBLEMS), opening, format="few_shot", **options)


def test_what_follows_the_answer_ends_it():
    pattern = "Q: {prompt}\nA: {answer}\n\n"
    assert columns_of(pattern) == ["prompt", "answer"] and stop_of(pattern) == "\n\n"
    assert stop_of("{prompt}{answer}") == ""
    data = default_config("data").data
    assert stops_of(data) == () and data.shot.endswith("\n")
    with data.unlocked():
        data.format = "few_shot"
    assert stops_of(data) == ("\n",)


@pytest.mark.parametrize("text", ["a", "a=", "1", "a=b()", "*x", "a=1)("])
def test_options_of_a_template_are_names_and_values(text):
    assert options_of("a=False, b='x'") == {"a": False, "b": "x"}
    assert options_of("") == {}
    with pytest.raises(ValueError, match="must be names and values"):
        options_of(text)


def test_a_config_says_where_completions_end(tmp_path):
    config = default_config("data")
    config.data.path = file_of(tmp_path, [{**PROBLEMS[0], "prompt": x} for x in "abcd"])
    config.data.held_out = 0.5
    assert isinstance(task_of(config).tokenizer, CharTokenizer)
    config.data.format, config.data.shots = "few_shot", 1
    task = task_of(config)
    assert isinstance(task.tokenizer, Stopping) and task.tokenizer.stops == ("\n",)
    train, test = (task.load(split, tmp_path) for split in ("train", "test"))
    assert (train.size, test.size) == (1, 2)
    config.rollout.stop = (";", "END")
    assert task_of(config).tokenizer.stops == (";", "END")
    config.rollout.stop = ("é",)
    with pytest.raises(ValueError, match="rollout.stop has 'é'"):
        task_of(config)


def test_an_instruction_follows_every_prompt(tmp_path, opening):
    path = file_of(tmp_path, [{"prompt": "2+2"}, {"prompt": TALK}])
    found = texts(path, opening, format="chat", instruction=" Go.")
    assert all("user\n2+2 Go.<|im_end|>" in text for text in found)
    assert "Be short.<|im_end|>" in found[1]
    assert read_table(path).prompts == ["2+2", TALK]
