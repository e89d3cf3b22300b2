"""Times the same GRPO step with TRL's GRPOTrainer: `python -m benchmarks.trl_step S`.

Needs its own environment (see README.md). The model is transformers' Llama with the
same shapes, tied and in float32; generation and loss are TRL's, with its defaults
but for checkpointing, unless a flag says otherwise.
"""

import time

BEGAN = time.perf_counter()

import random  # noqa: E402
import tempfile  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import (  # noqa: E402
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    TrainerCallback,
)
from trl import GRPOConfig, GRPOTrainer  # noqa: E402

from benchmarks.work import (  # noqa: E402
    WARM_STEPS,
    WORK,
    Record,
    Work,
    parser,
)

SHAPES = {  # vocabulary, layers, width, heads, ffn
    "S": (64, 2, 128, 4, 512),
    "M": (512, 6, 384, 6, 1024),
}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    arguments.add_argument(
        "--checkpointing",
        action="store_true",
        help="recompute activations in the backward pass, TRL's default",
    )
    args = arguments.parse_args()
    work, model = WORK[args.shape], _model(args.shape, args.folder, args.attention)
    vocab, record = model.config.vocab_size, Record(BEGAN, args.paced)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=_reward,
        args=_settings(work, WARM_STEPS + args.steps, args.checkpointing),
        train_dataset=_prompts(work, vocab),
        processing_class=_tokenizer(vocab),
        callbacks=[_Timer(record)],
    )
    _time_generation(trainer)
    trainer.train()
    record.report(
        "trl",
        args.shape,
        attention=args.attention,
        checkpointing=args.checkpointing,
    )


def _model(shape: str, folder: str | None, attention: str) -> LlamaForCausalLM:
    """Random weights of a shape, or those of a folder, without special tokens."""
    special: dict[str, Any] = dict.fromkeys(
        ("bos_token_id", "eos_token_id", "pad_token_id")
    )
    if folder:
        model = LlamaForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation=attention
        )
        for name in special:
            setattr(model.config, name, None)
            setattr(model.generation_config, name, None)
        return model
    vocab, layers, width, heads, ffn = SHAPES[shape]
    config = LlamaConfig(
        vocab_size=vocab,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        intermediate_size=ffn,
        tie_word_embeddings=True,
        attn_implementation=attention,
        **special,
    )
    return LlamaForCausalLM(config).float()


def _reward(completions: list[str], **columns: Any) -> list[float]:
    return [float(sum(int(w[1:]) % 2 for w in c.split())) for c in completions]


def _settings(work: Work, steps: int, checkpointing: bool) -> GRPOConfig:
    return GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=work.prompts * work.samples,
        num_generations=work.samples,
        max_completion_length=work.new_tokens,
        temperature=1.0,
        loss_type="grpo",
        learning_rate=1e-5,
        lr_scheduler_type="constant",
        max_steps=steps,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=checkpointing,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )


def _prompts(work: Work, vocab: int) -> Dataset:
    draw = random.Random(0)

    def words() -> str:
        return " ".join(f"w{draw.randrange(vocab)}" for _ in range(work.prompt_tokens))

    return Dataset.from_list([{"prompt": words()} for _ in range(work.prompts * 8)])


def _tokenizer(vocab: int) -> PreTrainedTokenizerFast:
    """One token a word. The end of text lies outside the model's vocabulary.

    So it is never sampled, and every completion has as many tokens as the work says.
    """
    ids = {f"w{i}": i for i in range(vocab)} | {"<end>": vocab}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<end>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>"
    )


class _Timer(TrainerCallback):
    """A step is what happens between its begin and its end."""

    rollout = 0.0

    def __init__(self, record: Record) -> None:
        self.record = record

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        self.record.wait()
        _Timer.rollout = 0.0
        self.began = time.perf_counter()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        whole = time.perf_counter() - self.began
        self.record.add(_Timer.rollout, whole - _Timer.rollout)


def _time_generation(trainer: GRPOTrainer) -> None:
    inner = trainer._generate

    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        with torch.no_grad():
            result = inner(*args, **kwargs)
        _Timer.rollout += time.perf_counter() - began
        return result

    trainer._generate = timed


if __name__ == "__main__":
    main()
