"""The words of `scorers` that judge by rule or by comparison, without a model."""

from collections.abc import Callable

from rewardlab.scorers import answers, comparators, texts, tools
from rewardlab.scorers.verifier import Maker

VERIFIERS: dict[str, Callable[..., Maker]] = {
    "exact_match": answers.exact_match,
    "word_f1": answers.word_f1,
    "answer_ids": answers.answer_ids,
    "sql": answers.sql,
    "boxes": answers.boxes,
    "derl": answers.derl,
    "derl_formula": answers.derl_formula,
    "shopping": answers.shopping,
    "partial_credit": answers.partial_credit,
    "bleu": texts.bleu,
    "rouge": texts.rouge,
    "bleu_rouge": texts.bleu_rouge,
    "statements": texts.statements,
    "reasoning_phrases": texts.reasoning_phrases,
    "chat_phrases": texts.chat_phrases,
    "repeated_words": texts.repeated_words,
    "word_counts": texts.word_counts,
    "medical": texts.medical,
    "router": texts.router,
    "toolrl": tools.toolrl,
    "toolrl_whole": tools.toolrl_whole,
    "toolrl_equal": tools.toolrl_equal,
    "toolrl_two_stages": tools.toolrl_two_stages,
    "toolrl_smooth": tools.toolrl_smooth,
    "thinking_length": tools.thinking_length,
    "growing_thinking_length": tools.growing_thinking_length,
    "deepagent": tools.deepagent,
    "deep_research": tools.deep_research,
    "beats": comparators.beats,
    "preference": comparators.preference,
    "win_rate": comparators.win_rate,
    "minimax": comparators.minimax,
    "round_robin": comparators.round_robin,
    "against_first": comparators.against_first,
    "single_elimination": comparators.single_elimination,
    "double_elimination": comparators.double_elimination,
    "swiss": comparators.swiss,
}
