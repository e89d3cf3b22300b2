"""Rules on texts that were made to break them: in linear time, and nothing else.

A policy writes what it likes; a rule that takes a minute for one completion stops a
run. Every public function of `rewardlab.rules` is here or in `NO_TEXT`.
"""

import importlib
import inspect
import pkgutil
import re
import time

import pytest

import rewardlab.rules
from rewardlab.rules import (
    answers,
    bleu,
    blocks,
    boxes,
    countdown,
    derl,
    embedding,
    expression,
    mastery,
    medical,
    ngrams,
    numbers,
    phrases,
    relevance,
    router,
    shopping,
    sql,
    tool_calls,
    toolrl,
)

SIZE = 32_000  # quadratic time is seconds there; 160,000 take a fifth of one at most
SECONDS = 0.8  # of the processor; most take a hundredth
UNITS = {
    "spaces": " ",
    "newlines": "\n",
    "digits": "7",
    "parentheses": "(",
    "brackets": "[",
    "braces": "{",
    "backslashes": "\\",
    "minus": "-",
    "terms": "1+",
    "powers": "9**",
    "hashes": "#",
    "stops": ".,",
    "items": "1. ",
    "steps": "step 1 ",
    "words": "a b ",
    "answers": "<answer>",
    "thoughts": "<think>",
    "empty": "<answer></answer>",
    "medical": "</thinking><answer>",
    "spaced": "</thinking> ",
    "tags": "<think><search><answer><information>",
    "searches": "<search>a:b</search><information>",
    "closed": "</answer>",
    "boxes": "\\boxed{",
    "calls": "<tool_call>\n",
    "call": '{"name": "get", "parameters": {}}\n',
    "lists": '[{"bbox_2d": ',
    "zero": "\x00",
    "marks": "\u202e\u0301",
}
TEXTS = {name: unit * (SIZE // len(unit)) for name, unit in UNITS.items()}
TEXTS |= {
    "open medical": "<thinking>" + TEXTS["medical"],
    "thought": "<think>" + TEXTS["spaces"] + "</think>",
    "called": "<tool_call>\n" + TEXTS["brackets"] + "\n</tool_call>",
    "called often": "<tool_call>\n" + TEXTS["call"] + "</tool_call>",
    "long number": "####" + TEXTS["newlines"],
    "sum": TEXTS["terms"] + "1",
}
TRUTH = "<think> t </think>\n<tool_call>\n" + UNITS["call"] + "</tool_call>"
SHORT = "the true answer"
CLICK = {"type": "click", "name": SHORT}
CALLS = {
    "answers.exact_match": lambda t: answers.exact_match(t, SHORT),
    "answers.normalized": answers.normalized,
    "answers.tagged": answers.tagged,
    "answers.word_f1": lambda t: answers.word_f1(t, SHORT),
    "bleu.bleu": lambda t: bleu.bleu(t, [SHORT]),
    "bleu.bleu_parts": lambda t: bleu.bleu_parts(t, [SHORT, t[:999]]),
    "bleu.bleu_rouge": lambda t: bleu.bleu_rouge(t, [SHORT]),
    "bleu.rouge_l": lambda t: bleu.rouge_l(t, [SHORT, t[:9999]]),
    "bleu.words_13a": bleu.words_13a,
    "blocks.blocks": lambda t: list(blocks.blocks(t, router.TAGS)),
    "boxes.read_box": boxes.read_box,
    "countdown.solves": lambda t: countdown.solves(t, [1, 2, 3], 6),
    "derl.checks": lambda t: derl.checks(t, "#### 42"),
    "derl.composed": lambda t: derl.composed(t, {"g1": 1.0}),
    "derl.extract": derl.extract,
    "derl.meta_reward": derl.meta_reward,
    "embedding.likeness": lambda t: embedding.likeness(t, SHORT),
    "embedding.trigrams": embedding.trigrams,
    "expression.calculate_or_zero": lambda t: expression.calculate_or_zero(t, {}),
    "medical.answers": lambda t: medical.answers(t, SHORT),
    "medical.form": medical.form,
    "medical.is_answer": medical.is_answer,
    "medical.modality": lambda t: medical.modality(t, "<CT> yes"),
    "medical.tight": medical.tight,
    "ngrams.repeated_kinds": ngrams.repeated_kinds,
    "ngrams.repetition": lambda t: ngrams.repetition(t, 40),
    "ngrams.repetition_penalty": ngrams.repetition_penalty,
    "numbers.last_number": numbers.last_number,
    "numbers.marked_number": numbers.marked_number,
    "numbers.number": numbers.number,
    "phrases.reasoning_pattern": phrases.reasoning_pattern,
    "phrases.thinking": phrases.thinking,
    "relevance.closed_ended": lambda t: relevance.closed_ended(0.5, t),
    "relevance.distinct_trigrams": relevance.distinct_trigrams,
    "relevance.length_share": relevance.length_share,
    "relevance.open_ended": lambda t: relevance.open_ended(0.5, t),
    "router.asks": lambda t: router.asks(t, bool),
    "router.form": lambda t: router.form(t, bool),
    "shopping.action_reward": lambda t: shopping.action_reward(
        {**CLICK, "name": t}, CLICK
    ),
    "sql.ngram_overlap": lambda t: sql.ngram_overlap(t, SHORT),
    "sql.token_overlap": lambda t: sql.token_overlap(t, SHORT),
    "toolrl.correctness": lambda t: toolrl.correctness(t, TRUTH),
    "toolrl.has_format": lambda t: toolrl.has_format(t, TRUTH),
    "toolrl.thinking_length": toolrl.thinking_length,
}
# These refuse a text in one way: ValueError, or what the arithmetic raises.
REFUSALS = {
    "expression.calculate": lambda t: expression.calculate(t, {}),
    "expression.names": expression.names,
    "expression.steps": expression.steps,
    "toolrl.calls_in": toolrl.calls_in,
}
NO_TEXT = {
    *(f"boxes.{name}" for name in ("corners", "hit", "iou")),
    *(f"deepagent.{name}" for name in ("action_reward", "folding_preference")),
    # `maths.equal` is asked in a process that is killed at a limit (test_pool.py).
    *("deep_research.steerable_reward", "texts.own_words", "maths.equal"),
    *("partial_credit.partial_credit", "similarity.best_match"),
    *("similarity.bidirectional_best_match", "toolrl.growing_length"),
    *("toolrl.smooth_stages", "toolrl.two_stages"),
    *(f"ngrams.{name}" for name in ("jaccard", "multiset_jaccard", "ngrams")),
    *(f"tool_calls.{name}" for name in dir(tool_calls)),
    *(f"mastery.{name}" for name in dir(mastery)),
}


def public_rules():
    for module in pkgutil.iter_modules(rewardlab.rules.__path__, "rewardlab.rules."):
        found = importlib.import_module(module.name)
        for name, function in inspect.getmembers(found, inspect.isfunction):
            if function.__module__ == module.name and not name.startswith("_"):
                yield f"{module.name.rpartition('.')[2]}.{name}"


def test_no_rule_is_forgotten():
    found = set(public_rules())
    assert found - NO_TEXT == {*CALLS, *REFUSALS}


@pytest.mark.parametrize("rule", {**CALLS, **REFUSALS})
def test_hostile_texts(rule):
    """Every text, in well under a second; nothing is raised but a refusal."""
    call = {**CALLS, **REFUSALS}[rule]
    for name, text in TEXTS.items():
        begun = time.process_time()
        try:
            call(text)
        except (ValueError, ArithmeticError):
            assert rule in REFUSALS, (rule, name)
        took = time.process_time() - begun
        assert took < SECONDS, (rule, name, took)


class TestWhatTheyStillGive:
    """The linear forms against the expressions that they stand for."""

    SOUP = (
        "<answer>",
        "</answer>",
        "<think>",
        "</think>",
        " ",
        "x",
        "\n",
        "<",
        "/",
        ">",
    )

    def soups(self):
        import random

        draw = random.Random(0)
        for _ in range(300):
            yield "".join(draw.choices(self.SOUP, k=draw.randrange(14)))

    def test_blocks(self):
        pattern = re.compile(r"<(answer|think)>(.*?)</\1>", re.DOTALL)
        for text in self.soups():
            found = pattern.findall(text)
            assert list(blocks.blocks(text, ("answer", "think"))) == found
            alone = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
            want = alone[-1].strip() if alone else None
            assert answers.tagged(text) == want

    def test_medical(self):
        whole = r"<thinking>.*?</thinking>\s*<answer>.*?</answer>"
        for text in self.soups():
            assert medical.tight(text) == re.sub(r"\s*(<|>|/)\s*", r"\1", text)
            text = text.replace("think>", "thinking>")
            start = text.find("<thinking>")
            form = re.fullmatch(whole, text[max(start, 0) :].strip(), re.DOTALL)
            assert medical.form(text) == float(start >= 0 and form is not None)

    def test_longest_common_subsequences(self):
        """Against the table of Wagner and Fischer; ROUGE-L is their F1."""
        import random

        draw = random.Random(1)
        for _ in range(60):
            some, others = (draw.choices("abc", k=draw.randrange(1, 12)) for _ in "ab")
            table = [[0] * (len(others) + 1) for _ in range(len(some) + 1)]
            for i, x in enumerate(some):
                for j, y in enumerate(others):
                    table[i + 1][j + 1] = (
                        table[i][j] + 1
                        if x == y
                        else max(table[i][j + 1], table[i + 1][j])
                    )
            want = 2 * table[-1][-1] / (len(some) + len(others))
            got = bleu.rouge_l(" ".join(some), [" ".join(others)])
            assert got == pytest.approx(want)

    def test_boxes(self):
        """Four finite numbers, and no truth values."""
        box = lambda said: boxes.read_box(f"[{{'bbox_2d': {said}}}]")  # noqa: E731
        assert box("[1, 2.5, 3, -4]") == (1, 2.5, 3, -4)
        for bad in ("[1, 2, 3, 1e999]", "[1, 2, 3, True]", f"[1, 2, 3, 1{'0' * 400}]"):
            assert box(bad) is None


def test_a_rule_on_a_batch_of_hostile_texts():
    assert [medical.form(text) for text in TEXTS.values()] == [0.0] * len(TEXTS)
