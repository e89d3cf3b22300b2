"""A model for runs of seconds, which compile more than they compute."""

TINY = {"num_layers": 1, "width": 64, "num_heads": 2, "ffn": 128}
TINY_FLAT = {f"model.{name}": size for name, size in TINY.items()}

# A run of seconds on few problems, of which a test says the steps and how often what.
SHORT_RUN = {
    **TINY_FLAT,
    "task.difficulty.train": 64,
    "task.difficulty.test": 16,
    "task.difficulty.validation": 16,
    "warmup.steps": 2,
    "warmup.batch_size": 16,
    "rollout.num_prompts": 4,
    "rollout.num_generations": 4,
    "rollout.max_completion_length": 16,
    "eval.num_problems": 8,
    "checkpoint.every": 2,
}
