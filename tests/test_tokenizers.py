"""Tokenizers of folders, chat templates, ends and stop strings."""

import jax.numpy as jnp
import numpy as np
import pytest
from folders import tokenizer_folder, write

from rewardlab.data.columns import written
from rewardlab.text.ends import have_ended
from rewardlab.text.folder import read_tokenizer
from rewardlab.text.stops import Stopping, completed, end_of, pieces
from rewardlab.text.tokenizers import CharTokenizer

END, OPEN, TEXT_END = 263, 262, 264  # of <|im_end|>, <|im_start|>, <|endoftext|>
TEXTS = ("a then 12+3=15.\n", "héllo ✓ 日本", " \n\n\t", "<|im_start|>user\nhe", "")
MESSAGES = [{"role": "user", "content": " 2+2? "}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tokenizer_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tokenizer(folder):
    return read_tokenizer(folder)


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_and_tokens_know_their_part_of_it(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text == "".join(pieces(tokenizer, ids))
    assert max(ids, default=0) < tokenizer.vocab_size == 266
    assert len(ids) != len(text) or not text  # nowhere an id a character


def test_a_character_of_several_tokens_belongs_to_the_last(tokenizer):
    ids = tokenizer.encode("a✓b")
    assert pieces(tokenizer, ids) == ["a", "", "", "✓", "b"]
    assert pieces(tokenizer, ids[:3]) == ["a", "", "\ufffd"]
    assert tokenizer.decode([300]) == "" and pieces(tokenizer, [300]) == [""]


def test_ends_and_padding_are_what_the_files_say(tmp_path):
    folder = tokenizer_folder(tmp_path / "a")
    write(folder / "config.json", {"eos_token_id": 7, "pad_token_id": -1})
    read = read_tokenizer(folder)
    assert (read.eos_ids, read.pad_id, read.opening) == ((END, 7), END, ())
    write(folder / "generation_config.json", {"eos_token_id": [TEXT_END, END]})
    assert read_tokenizer(folder).eos_ids == (END, TEXT_END)
    pad = {"pad_token": {"content": "<|endoftext|>"}, "eos_token": None}
    opened = tokenizer_folder(tmp_path / "b", True, **pad)
    with pytest.raises(ValueError, match="no end of a text; name its eos_token"):
        read_tokenizer(opened)
    write(opened / "special_tokens_map.json", {"eos_token": "<s>"})
    read = read_tokenizer(opened)
    assert (read.eos_ids, read.pad_id, read.opening) == ((265,), TEXT_END, (265,))


def test_a_folder_without_a_tokenizer_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="has no tokenizer.json; put one"):
        read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.model").touch()
    with pytest.raises(ValueError, match="only tokenizer.model, which is not read"):
        read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match="tokenizer.json is no tokenizer: "):
        read_tokenizer(tmp_path)
    tokenizer_folder(tmp_path)
    for content in ("{", "[]"):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(ValueError, match=r"config.json (cannot be|is no)"):
            read_tokenizer(tmp_path)


def test_messages_are_written_by_the_folders_template(tokenizer):
    asked = "<|im_start|>user\n2+2?<|im_end|>\n"
    assert tokenizer.chat(MESSAGES, add_generation_prompt=False) == asked
    opened = asked + "<|im_start|>assistant\n"
    assert tokenizer.chat(MESSAGES) == opened
    thought = tokenizer.chat(MESSAGES, enable_thinking=False)
    assert thought == opened + "<think>\n\n</think>\n\n"
    ids = tokenizer.encode(opened)
    assert ids.count(OPEN) == 2 and ids.count(END) == 1


FEATURES = {
    "{%- for m in messages -%}\n{%- if loop.index0 % 2 -%}{%- continue -%}"
    "{%- endif -%}\n{{ m.content }}{% generation %}!{% endgeneration %}"
    "{%- break -%}{%- endfor -%}": " 2+2? !",
    "{{ tools is none }} {{ pad_token is defined }} {{ bos_token }}": "True False <s>",
    "{{ {'b': '<é>', 'a': 1} | tojson }}": '{"b": "<é>", "a": 1}',
    "{{ [1] | tojson(indent=2) }}": "[\n  1\n]",
    "{{ strftime_now('%Y') | length }}": "4",
    "    {% if true %}\n    x\n    {% endif %}\n": "    x\n",
    "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
    "{% endfor %}{{ ns.n }}{{ messages[0]['role'].startswith('us') }}": "1True",
}


@pytest.mark.parametrize("source", FEATURES)
def test_templates_have_what_those_of_the_hub_use(tmp_path, source):
    folder = tokenizer_folder(tmp_path, chat_template=source)
    assert read_tokenizer(folder).chat(MESSAGES) == FEATURES[source]


def test_templates_stand_in_several_places(tmp_path):
    pairs = {"default": "d", "tool_use": "t"}.items()
    named = [{"name": name, "template": source} for name, source in pairs]
    folder = tokenizer_folder(tmp_path, chat_template=named)
    assert read_tokenizer(folder).chat(MESSAGES) == "d"
    assert read_tokenizer(folder).chat(MESSAGES, tools=[{}]) == "t"
    write(folder / "chat_template.json", {"chat_template": "json"})
    assert read_tokenizer(folder).chat(MESSAGES) == "json"
    (folder / "chat_template.jinja").write_text("jinja")
    assert read_tokenizer(folder).chat(MESSAGES) == "jinja"


@pytest.mark.parametrize(
    "source, reason",
    [
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{% if %}", "Expected an expression"),
        ("{{ messages[0].content + 1 }}", "can only concatenate str"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "is unsafe"),
        ("{{ messages.append(1) }}", "is unsafe"),
    ],
)
def test_a_template_that_fails_is_a_sentence(tmp_path, source, reason):
    read = read_tokenizer(tokenizer_folder(tmp_path, chat_template=source))
    with pytest.raises(ValueError, match="cannot be rendered by the chat tem") as said:
        read.chat(MESSAGES)
    assert reason in str(said.value) and "\n" not in str(said.value)


def test_a_folder_without_a_template_has_no_chat(tmp_path):
    read = read_tokenizer(tokenizer_folder(tmp_path, chat_template=None))
    with pytest.raises(ValueError, match="has no chat template; put one into"):
        read.chat(MESSAGES)


def ends(tokenizer, rows):
    """Whether rows of ids have ended, each in the columns that it has."""
    width = max(map(len, rows))
    tokens = np.array([row + [0] * (width - len(row)) for row in rows])
    mask = np.arange(width) < np.array([[len(row)] for row in rows])
    return have_ended(tokenizer, jnp.asarray(tokens), jnp.asarray(mask)).tolist()


@pytest.mark.parametrize("stops", [("\n",), ("\n\n",), ("ab.", "b"), ("e.t", "e\n")])
def test_a_stop_string_is_found_however_it_is_written(tokenizer, stops):
    """Against the text itself, for random tokens; the row ends where it is complete."""
    stopping = Stopping(tokenizer, stops)
    rng = np.random.default_rng(0)
    likely = tokenizer.encode("ab.") + tokenizer.encode(" the\n") + [256, 257, 259, 260]
    rows = rng.choice([*likely, tokenizer.encode("b")[0]], (200, 6)).tolist()
    found = [any(s in tokenizer.decode(row) for s in stops) for row in rows]
    assert ends(stopping, rows) == found and 0 < sum(found) < 200
    assert ends(stopping, [[END], [300, 5]]) == [True, False]
    for row in rows:
        text = tokenizer.decode(row)
        at = min((text.find(s) for s in stops if s in text), default=len(text))
        assert completed(stopping, row) == text[:at]


def test_what_ends_a_text_is_not_said(tokenizer):
    ids = tokenizer.encode("12")
    assert completed(tokenizer, [*ids, END]) == completed(tokenizer, ids) == "12"
    assert completed(tokenizer, [END, *ids]) == "<|im_end|>12"
    assert completed(tokenizer, []) == "" == completed(tokenizer, [END])
    assert end_of(tokenizer) == [END]
    stopping = Stopping(tokenizer, ("\n", "x"))
    assert end_of(stopping) == tokenizer.encode("\n")
    episodes = written([[("q ", False), ("the", True)]], stopping, 8)
    (own,) = [row[mask].tolist() for row, mask in zip(*episodes[:2], strict=True)]
    assert own == tokenizer.encode("the\n") and completed(stopping, own) == "the"


@pytest.mark.parametrize("stop", ["", "é", 3])
def test_a_stop_string_is_ascii_text(stop):
    with pytest.raises(ValueError, match="a stop string is ASCII text"):
        Stopping(CharTokenizer("ab"), (stop,))
