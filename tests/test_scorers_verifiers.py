"""Verifiers by rule: every example of their docstrings, and rows that fail."""

import jax.numpy as jnp
import numpy as np
import pytest
from scored import SETTING, made, written

from rewardlab.rules import toolrl as rule
from rewardlab.scorers.verifier import Verifier
from rewardlab.scorers.verifiers import VERIFIERS

CALL = '{"name": "f", "parameters": {"x": 1}}'
OTHER = '{"name": "g", "parameters": {"y": 2}}'
ONE = f"<think>a</think>\n<tool_call>\n{CALL}\n</tool_call>"
TWO = f"<think>a</think>\n<tool_call>\n{CALL}\n{OTHER}\n</tool_call>"
BOX = '[{"bbox_2d": [0, 0, 9, 9]}]'
LOW, HIGH = 1e-6, 1 + 1e-6
MEDICAL = "<CT> <thinking>x</thinking> <answer>ay</answer>"
ROUTED = "<think>x</think><answer>y</answer>"

# The word, its argument, the text, the column's entry, what is made.
EXAMPLES = [
    ("exact_match", {"tag": "answer"}, "so <answer>The cat.</answer>", "cat", [1]),
    ("exact_match", {}, "the dog", ["cat", "dog"], [1]),
    ("exact_match", {"tag": "answer"}, "cat", "cat", [0]),
    ("cover_match", {}, "The answer is 41.", "41", [1]),
    ("cover_match", {}, "12345", ["9", "3"], [1]),
    ("cover_match", {"tag": "answer"}, "41 <answer>4</answer>", "41", [0]),
    ("cover_match", {}, "anything", "...", [0]),
    ("word_f1", {}, "the black cat", "cat", [2 / 3]),
    ("sql", {}, "select a from t", "select b from t", [3 / 5, 1 / 5]),
    ("boxes", {"width": 100, "height": 100}, BOX, (0, 0, 9, 9), [1, 1, 1]),
    ("boxes", {"width": 100, "height": 100}, "none", (0, 0, 9, 9), [0, 0, 0]),
    ("derl", {}, "1. a 2. b #### 7", "7", [HIGH, LOW, HIGH, HIGH]),
    ("derl_formula", {"expression": "g1 + 0.5 * g2"}, "7", "7", [1]),
    ("shopping", {}, '{"type": "terminate"}', {"type": "terminate"}, [0.8]),
    ("shopping", {}, "no JSON", {"type": "terminate"}, [0]),
    ("bleu", {}, "a b c d e", "a b c d e", [1]),
    ("rouge", {}, "a x b", "a b", [0.8]),
    ("bleu_rouge", {}, "a b c d e", ["a b c d e"], [1]),
    ("statements", {}, "a b\nc d", "c d\na b", [1]),
    ("statements", {}, "", "c d\na b", [0]),
    ("medical", {}, MEDICAL, "<CT> no", [1, 1, 1]),
    ("router", {}, ROUTED, ["small"], [0]),
    ("router", {}, "y", ["small"], [-1]),
    ("toolrl", {}, ONE, ONE, [1, 3]),
    ("toolrl_whole", {}, ONE, TWO, [1, -3 + 6 * (1 / 2 + 1) / 3]),
    ("toolrl_equal", {}, ONE, TWO, [1, -3]),
    ("toolrl_two_stages", {}, ONE, ONE, [1, 1]),
    ("toolrl_smooth", {}, ONE, ONE, [2, 2]),
]
WITHOUT = [
    ("reasoning_phrases", {}, "wait, let me check", [0.1]),
    ("chat_phrases", {}, "1. i will try again", [0.15]),
    ("repeated_words", {"size": 1}, "a a a a", [-0.375]),
    ("word_counts", {}, "a b c a b c", [0.06, 0.75]),
    ("thinking_length", {"full": 4}, "<think>a b</think>", [0.5]),
    ("growing_thinking_length", {}, f"<think>{'a ' * 192}</think>", [0.5]),
]


@pytest.mark.parametrize(("word", "words", "text", "fact", "wanted"), EXAMPLES)
def test_with_a_column(word, words, text, fact, wanted):
    maker = VERIFIERS[word]("truth", **words)
    scorer = maker(SETTING)
    assert scorer.place == "host" and scorer.columns == ("truth",)
    found = made(maker, written([text]), truth=[fact])
    names = [name for name in scorer.provides if f"{name}_valid" in found]
    got = [found[name][0] for name in names]
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)
    assert all(found[f"{name}_valid"][0] for name in names)


@pytest.mark.parametrize(("word", "words", "text", "wanted"), WITHOUT)
def test_without_a_column(word, words, text, wanted):
    maker = VERIFIERS[word](**words)
    found = made(maker, written([text]))
    got = [found[name][0] for name in found if f"{name}_valid" in found]
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


def test_partial_credit():
    maker = VERIFIERS["partial_credit"]("score:", "lines")
    rows = written(["data loaded", "data loaded\nscore: 0.5", "score: none"])
    found = made(maker, rows, lines=[["data loaded", "model built"]])
    np.testing.assert_allclose(found["partial_credit"], [-9.9, 0.5, -10], rtol=1e-6)


def test_equal_answers_have_equal_numbers():
    texts = [
        "<answer>7</answer>",
        "<answer> 7.</answer>",
        "7",
        "<answer>8</answer>",
        "<answer> </answer>",
    ]
    found = made(VERIFIERS["answer_ids"](), written(texts))["answer_id"]
    assert found.tolist() == [0, 0, -1, 1, -1] and found.dtype == np.float32


def test_each_row_has_the_facts_of_its_prompt():
    maker = VERIFIERS["exact_match"]("truth")
    rows = written(["a1", "b2", "b2", "a1"], [0, 0, 1, 1])
    found = made(maker, rows, truth=["a1", "b2"])
    assert found["exact_match"].tolist() == [1, 0, 1, 0]


def test_a_row_that_fails_abstains_and_says_so(caplog):
    """The others are judged; None abstains without an error."""
    rule = {"x": lambda: {"kind": 1.0}, "y": lambda: None, "z": lambda: 1 / 0}
    maker = Verifier("v", ("kind",), (), lambda case: rule[case.text]())
    found = made(maker, written(["x", "y", "z"]))
    assert found["kind"].tolist() == [1, 0, 0]
    assert found["kind_valid"].tolist() == [True, False, False]
    assert found["kind_error"].tolist() == [False, False, True]


def test_stages_follow_the_iteration():
    rows = written([ONE])
    for word, stages in (
        ("toolrl_two_stages", rule.two_stages),
        ("toolrl_smooth", rule.smooth_stages),
    ):
        for iteration in (0, 29, 30, 75, 150):
            found = made(VERIFIERS[word]("truth"), rows, iteration, truth=[ONE])
            ranges = stages(iteration)
            assert found["format"][0] == pytest.approx(ranges.format[1])
            assert found["tool_match"][0] == pytest.approx(ranges.correctness[1])


def test_tool_calls_of_an_environment():
    rows = written(["ab", "cd"]).with_signals(
        productive=jnp.array([[1.0, 0, 1], [0, 0, 1]]),
        correct=jnp.array([1.0, 0]),
        finished=jnp.array([1.0, 1]),
        calls=jnp.array([4.0, 6]),
        useless_calls=jnp.array([1.0, 2]),
    )
    assert made(VERIFIERS["deepagent"]("productive"), rows)["action"].tolist() == [2, 1]
    paid = made(VERIFIERS["deep_research"](), rows)["steerable"]
    wrong = 0.1 + 0.2 * 4 / 8 + 0.2 * 6 / 16
    np.testing.assert_allclose(paid, [0.1 + 0.75, wrong], rtol=1e-6)


def test_a_formula_that_names_no_check():
    with pytest.raises(ValueError, match="expression='2' must be finite and name"):
        VERIFIERS["derl_formula"]("truth", "2")


def test_trigrams_stand_in_for_embeddings():
    """They know spelling: an article or another case is near, another word is not."""
    said = ["<answer>an Oedema</answer>", "<answer>fracture</answer>", "oedema", "A"]
    maker = VERIFIERS["trigram_embedding"]("answer")
    found = made(maker, written(said, range(4)), answer=["<CT> oedema"] * 4)
    assert found["embedding"].tolist() == [1, 0, 1, 0]
