"""TRL's GRPOTrainer with advantages of ours, on a tiny model with random weights.

TRL and torch are in no extra of ours: these run where both are, by hand.
"""

import numpy as np
import pytest

from rewardlab import estimator, resolve
from rewardlab.testing import from_arrays

trl = pytest.importorskip("trl")
torch = pytest.importorskip("torch")
tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")
from datasets import Dataset  # noqa: E402

from rewardlab.adapters.trl import SentenceTrainer  # noqa: E402

pytestmark = pytest.mark.slow
WORDS = [f"w{i}" for i in range(14)] + ["<end>"]
STATEFUL = "outcome('reward') | standardize_by_history() | broadcast_to_tokens()"


def odd(completions, **columns):
    """How many words are odd."""
    return [float(sum(int(w[1:]) % 2 for w in c.split())) for c in completions]


def early(completions, **columns):
    """1 where the first word is small; nothing is said of words from w10 on."""
    first = [int(c.split()[0][1:]) if c.split() else 0 for c in completions]
    return [None if word > 9 else float(word < 5) for word in first]


def per_word(completion_ids, **columns):
    """A number for each token."""
    return [[i % 3 / 2 for i in ids] for ids in completion_ids]


def tokenizer():
    ids = {word: i for i, word in enumerate(WORDS)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="<end>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<end>", pad_token="<end>"
    )


def model():
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS),
        num_hidden_layers=1,
        hidden_size=16,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=32,
        eos_token_id=len(WORDS) - 1,
        pad_token_id=len(WORDS) - 1,
        bos_token_id=None,
    )
    return transformers.LlamaForCausalLM(config).float()


class Watched(SentenceTrainer):
    """Keeps what TRL would have taken, and what it is given."""

    def _generate_and_score_completions(self, inputs):
        self.seen = getattr(self, "seen", [])
        output = super()._generate_and_score_completions(inputs)
        self.seen.append((self.rows, output, self.theirs))
        return output

    def _gathered(self, output):
        self.theirs = output["advantages"]
        self.rows = super()._gathered(output)
        return self.rows


def trainer(folder, sentence, rewards=(odd,), signals=None, **settings):
    settings = {
        "max_steps": 2,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 9,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "disable_tqdm": True,
        "gradient_checkpointing": False,
        **settings,
    }
    prompts = Dataset.from_list([{"prompt": f"w{i} w{i + 1}"} for i in range(8)])
    model().save_pretrained(folder / "model")  # the reference is read from there
    return Watched(
        str(folder / "model"),
        list(rewards),
        trl.GRPOConfig(output_dir=str(folder), **settings),
        train_dataset=prompts,
        eval_dataset=prompts.select([0, 1]),
        processing_class=tokenizer(),
        sentence=sentence,
        signals=signals,
    )


def test_our_preset_is_trls_own(tmp_path):
    """To the last digits, though TRL has it a row and we a token."""
    made = trainer(tmp_path, "grpo_like_trl", signals={"correct": "odd"})
    made.train()
    assert len(made.seen) == 2
    for _, output, theirs in made.seen:
        ours, mask = output["advantages"], output["completion_mask"].bool()
        assert ours.shape == mask.shape and theirs.shape == mask.shape[:1]
        assert theirs.abs().max() > 0.1
        want = theirs[:, None].expand_as(ours)
        torch.testing.assert_close(ours[mask], want[mask], atol=1e-5, rtol=0)
        assert not ours[~mask].any()
    kept = list(made._logs["advantages"])
    np.testing.assert_allclose(kept, made.seen[-1][2].numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "sentence",
    [
        "outcome('early') | center_by_group() | broadcast_to_tokens()",
        "outcome('reward') | outcome('early') | weighted_sum(reward=1, early=2)"
        " | center_by_group() | broadcast_to_tokens()",
        "dense('words') | returns_to_go(discount=0.5)",
        "outcome('reward') | kl_penalty(0.1) | weighted_sum(reward=1, kl=1)"
        " | returns_to_go()",
    ],
)
def test_advantages_are_those_of_our_estimator(tmp_path, sentence):
    """Of rows that are made here from what TRL has; what is None abstains."""
    made = trainer(
        tmp_path,
        sentence,
        [odd, early],
        {"words": per_word},
        beta=0.1,
        num_iterations=2,
        pad_to_multiple_of=16,
    )
    made.train()
    (_, signals), output, _ = made.seen[0]
    mask = output["completion_mask"].numpy().astype(bool)
    early_ = np.array(signals["early"])
    heard = np.array(signals["early_valid"])
    assert 0 < heard.sum() < len(heard) and not early_[~heard].any()
    words = np.zeros(mask.shape)
    for row, ids in enumerate(output["completion_ids"].tolist()):
        words[row] = [i % 3 / 2 for i in ids]
    rollout = from_arrays(
        mask,
        np.arange(8) // 4,
        logp=output["old_per_token_logps"].numpy(),
        early=early_,
        early_valid=heard,
        reward=np.array(signals["odd"]) + early_,
        words=np.where(mask, words, 0),
        ref_logp=output["ref_per_token_logps"].numpy(),
    )
    whole = estimator(resolve(sentence))
    want, _ = whole.update({}, whole.init(rollout), rollout)
    np.testing.assert_allclose(output["advantages"].numpy(), want, atol=1e-6)


def test_states_go_on_through_a_checkpoint_and_not_in_evaluation(tmp_path):
    made = trainer(tmp_path, STATEFUL, max_steps=3, save_strategy="steps", save_steps=2)
    made.train()
    made.evaluate()
    assert made.advantage.calls == 3
    again = trainer(tmp_path, STATEFUL, max_steps=3)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert again.advantage.calls == 3 and len(again.seen) == 1
    seen = {k: v for k, v in again.advantage.state_dict().items()}
    assert seen["calls"] == 3 and seen.keys() == made.advantage.state_dict().keys()
    assert max(float(np.max(x)) for x in seen.values()) >= 24  # rewards of 3 rollouts


def test_rows_that_trl_masks_stay_in_the_baseline(tmp_path):
    """Truncated ones leave the loss; their rewards count for the others."""
    made = trainer(
        tmp_path,
        "grpo_like_trl",
        signals={"correct": "odd"},
        mask_truncated_completions=True,
        max_completion_length=4,
    )
    made.train()
    cut = 0
    for (rows, _), output, theirs in made.seen:
        mask = output["completion_mask"].bool()
        assert rows.mask.any(axis=1).all()
        cut += int((~mask.any(dim=1)).sum())
        want = theirs[:, None].expand_as(output["advantages"])
        ours = output["advantages"]
        torch.testing.assert_close(ours[mask], want[mask], atol=1e-5, rtol=0)
    assert cut


def test_tools_answers_are_not_the_policys(tmp_path):
    made = trainer(tmp_path, "rloo", signals={"correct": "odd"}, max_steps=1)
    made.train()
    _, output, _ = made.seen[0]
    tools = torch.ones_like(output["completion_mask"])
    tools[:, 1] = 0
    rows, _ = made._gathered({**output, "tool_mask": tools})
    assert not rows.mask[:, 1].any() and rows.valid[:, 1].any()


@pytest.mark.parametrize(
    "sentence, signals, said",
    [
        ("rloo", {}, "reads 'correct', which nobody makes; have odd, reward"),
        ("rloo", {"correct": "even"}, "to be the reward function 'even'; have odd"),
        ("rlo", {}, "no method 'rlo'"),
    ],
)
def test_what_does_not_fit_is_said_before_training(tmp_path, sentence, signals, said):
    with pytest.raises(ValueError, match=said):
        trainer(tmp_path, sentence, signals=signals)
