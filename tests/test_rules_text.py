"""Rules on text and tool calls, against numbers worked out by hand."""

import json
import math

import numpy as np
import pytest

from rewardlab.rules import answers, bleu, ngrams, phrases, router, tool_calls, toolrl

GET = {"name": "get", "parameters": {"a": 1, "b": "x"}}
PUT = {"name": "put", "parameters": {"c": 2}}


def test_ngrams_and_their_overlap():
    assert ngrams.ngrams("abcd", 3) == [("a", "b", "c"), ("b", "c", "d")]
    assert ngrams.ngrams("ab", 3) == []
    assert ngrams.jaccard("aab", "abc") == 2 / 3 and ngrams.jaccard("", "") == 1.0
    assert ngrams.multiset_jaccard("aab", "abc") == 2 / 4
    assert ngrams.multiset_jaccard("", "a") == 0.0


def test_repetition_of_words():
    """ab ba ab ba ab bc cd: 4 of 7 are distinct; of 60 equal words one is repeated."""
    text = "A b a b a b c d"
    assert ngrams.repetition(text, 2) == 1 - 4 / 7
    np.testing.assert_allclose(ngrams.repetition_penalty(text, 2, -2.0), -6 / 7)
    assert ngrams.repetition("a", 2) == 0.0 and ngrams.repeated_kinds("a", 2) == 0.0
    assert ngrams.repeated_kinds("x " * 60, 20) == 1 / 41
    with pytest.raises(ValueError, match="most <= 0"):
        ngrams.repetition_penalty(text, 2, 1.0)


def test_phrases_of_thought():
    """Three phrases ("wait", "we need to", "hence") are 3 / 20; a turn is -1."""
    text = "We need to wait, hence"
    assert len(phrases.MATH_PHRASES) == 40 and len(phrases.CHAT_PHRASES) == 53
    assert phrases.reasoning_pattern(text) == 3 / 20
    assert phrases.reasoning_pattern(text + " User: more") == 0.0
    assert phrases.reasoning_pattern(text + " User: more", turns=()) == 3 / 20
    assert phrases.reasoning_pattern(" ".join(phrases.MATH_PHRASES)) <= 1.0
    assert phrases.thinking(f"Q {phrases.MARK} so") == "so"
    assert phrases.thinking("no mark here") == "no mark here"


@pytest.mark.parametrize("rule", [tool_calls.graded_calls, tool_calls.whole_calls])
def test_equal_and_empty_calls(rule):
    assert rule([GET, PUT], [GET, PUT]) == 1.0
    assert rule([GET], []) == 0.0 and rule([], []) == 1.0 and rule([], [GET]) == 0.0


def test_graded_calls():
    """One of two values right: (1 + 1 + 1) / (1 + 3); a wrong name only: 0."""
    near = {"name": "get", "parameters": {"a": 1, "b": "y"}}
    assert tool_calls.graded_calls([GET], [near]) == 3 / 4
    assert tool_calls.graded_calls([GET], [PUT]) == 0.0
    # {a} of {a, b}: names 1/2, one value right, and the call's name
    half = {"name": "get", "parameters": {"a": 1}}
    assert tool_calls.graded_calls([GET], [half]) == (1 + 0.5 + 1) / 4
    # other parameters, same name: only the name is right, and the call stays free
    other = {"name": "get", "parameters": {"z": 0}}
    assert tool_calls.graded_calls([GET], [other]) == 1 / 4


def test_the_other_order():
    """All in part: names 1 and 2 + 1 of parameters, of 1 + 3 + 2; refined: no names."""
    turned = [PUT, GET]
    assert tool_calls.graded_calls([GET, PUT], turned) == 1.0
    strict = tool_calls.graded_calls([GET, PUT], turned, tool_calls.same_list)
    assert strict == (0 + 3 + 2) / 6
    assert tool_calls.whole_calls([GET, PUT], turned) == 1.0
    assert tool_calls.equal_calls([GET, PUT], turned) == 0.0
    assert tool_calls.between(-3, 3, 0.75) == 1.5


def test_true_calls_choose_in_order():
    """The first true call takes the only near call; the second, equal one gets none."""
    one = {"name": "f", "parameters": {"a": 1, "b": 2}}
    two = {"name": "f", "parameters": {"a": 1, "b": 3}}
    assert tool_calls.graded_calls([one, two], [two]) == (1 / 2 + 1 + 1) / 7


def tool_text(*calls):
    lines = "\n".join(json.dumps(call) for call in calls)
    return f"<think>so it is</think>\n<tool_call>\n{lines}\n</tool_call>"


def test_toolrl_on_text():
    answer = tool_text(GET)
    both = lambda text: (  # noqa: E731
        toolrl.has_format(text, answer),
        toolrl.correctness(text, answer),
    )
    assert both(answer) == (True, 3.0)
    assert both("<think></think>") == (False, -3.0)
    assert both("x" + answer) == (False, 3.0)  # right calls, wrong form
    broken = answer.replace('"name"', '"nam"')
    assert both(broken) == (True, -3.0)
    assert both(answer.replace("{", "(", 1)) == (True, -3.0)


def test_format_follows_the_answer():
    plain = "<think>a</think>\n<response>b</response>"
    assert toolrl.has_format(plain, plain)
    assert not toolrl.has_format(tool_text(GET), plain)
    assert not toolrl.has_format(plain + "<response></response>", plain)
    both = tool_text(GET) + "\n<response>b</response>"
    assert toolrl.has_format(both, both) and not toolrl.has_format(both, tool_text(GET))
    assert toolrl.has_format("<think>a</think>", "nothing")
    assert toolrl.correctness(tool_text(GET), plain) == 0.0


def test_schedules_of_toolrl():
    assert toolrl.two_stages(29) == ((0, 1), (-1, 1))
    assert toolrl.two_stages(30) == ((0, 0.5), (-3, 3))
    assert toolrl.smooth_stages(0) == ((-2, 2), (-2, 2))
    assert toolrl.smooth_stages(75) == ((-1, 1.5), (-2.5, 2.5))
    assert toolrl.smooth_stages(300) == ((-1, 1), (-3, 3))
    assert toolrl.thinking_length("<think>" + "a " * 256 + "</think>") == 0.5
    assert toolrl.thinking_length("a", 1) == 0.0 and toolrl.growing_length(105) == 640
    assert toolrl.thinking_length("<think>" + "a " * 999 + "</think>") == 1.0


def test_words_and_signs():
    assert bleu.words_13a("It's 3.5, or 4-5. &quot;A&quot;-\nB") == [
        *("It's", "3.5", ",", "or", "4", "-", "5", ".", '"', "A", '"', "B")
    ]


def test_bleu():
    """Two of three words and one of two pairs match; longer n-grams cannot."""
    parts = bleu.bleu_parts("a b c", ["a b d e"])
    assert parts.precisions == (3 / 4, 2 / 3, 1 / 2, 1 / 1)
    assert parts.brevity == math.exp(1 - 4 / 3)
    want = math.exp(1 - 4 / 3) * (3 / 4 * 2 / 3 / 2) ** 0.25
    np.testing.assert_allclose(parts.score, want, rtol=1e-12)
    assert bleu.bleu_parts("a b c", ["a b d e"], smooth=False).score == 0.0
    assert bleu.bleu("a b c d", ["a b c d", "z"]) == 1.0
    assert bleu.bleu("  ", ["a"]) == 0.0 and bleu.rouge_l("", ["a"]) == 0.0


def test_rouge_and_both():
    """The longest common subsequence of a b c d and a c d e is a c d."""
    assert bleu.rouge_l("A b, c d", ["x", "a c d e"]) == 0.75
    one, other = bleu.bleu("a b c d", ["a b x d"]), bleu.rouge_l("a b c d", ["a b x d"])
    np.testing.assert_allclose(
        bleu.bleu_rouge("a b c d", ["a b x d"]), 2 / (1 / one + 1 / other), rtol=1e-12
    )
    assert bleu.bleu_rouge("", ["a"]) == 0.0


def test_short_answers():
    assert answers.exact_match("The  Paris!", ["Rome", "paris"]) == 1.0
    assert answers.word_f1("city of Paris", "Paris") == 0.5
    assert answers.word_f1("yes it is", "yes") == 0.0 and answers.word_f1("yes", "Yes.")
    assert answers.exact_match(None, "a") == answers.word_f1(None, ["a"]) == 0.0
    assert answers.tagged("<answer>1</answer><answer> 2 </answer>") == "2"
    assert answers.tagged("2") is None


ROUTED = (
    "<think>who knows</think><search>qwen: where is it</search>"
    "<information>there</information><answer>there</answer>"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("who knows", ""),
        ("who knows", "..."),
        ("qwen", "gpt"),
        ("qwen:", "qwen"),
        ("where is it", "what does qwen say"),
        ("where is it", "your-query"),
        ("<information>there</information>", ""),
        ("<think>who knows</think>", ""),
        ("</answer>", "</answer>."),
        ("there</answer>", "<think>a</think></answer>"),
        ("</think>", ""),
    ],
)
def test_routed_forms(old, new):
    """Only the text as it stands has the form; every change breaks it."""
    text = ROUTED.replace(old, new, 1) if old else ROUTED
    assert router.form(text, lambda name: name == "qwen") == (-1.0 if old else 0.0)
