"""Torch's estimators, run in an environment of their own."""

import subprocess

TORCH = {  # theirs: ours, and how many times faster ours has to be
    "gae_loop": ("gae", 10),
    "reinforce_pp_loop": ("reinforce_pp", 10),
    "grpo_loop": ("grpo", 1),
    "grpo_vectorised": ("grpo", 1),
    "dr_grpo_vectorised": ("dr_grpo", 1),
    "rloo_loop": ("rloo", 1),
    "rloo_vectorised": ("rloo", 1),
    "remax_vectorised": ("remax", 1),
    "high_entropy_tokens_vectorised": ("high_entropy_tokens", 1),
    "earl_vectorised": ("earl", 1),
    "opo_loop": ("opo", 1),
    "opo_vectorised": ("opo", 1),
    "reinforce_pp_baseline_loop": ("reinforce_pp_baseline", 1),
    "reinforce_pp_baseline_vectorised": ("reinforce_pp_baseline", 1),
}


class TorchServer:
    """`benchmarks.torch_transforms` under another interpreter."""

    def __init__(self, python: str) -> None:
        command = [python, "-m", "benchmarks.torch_transforms"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def seconds(self, ask: str) -> float:
        """The time that `name rows tokens` takes; `RuntimeError` once torch is gone."""
        assert self.process.stdin and self.process.stdout
        print(ask, file=self.process.stdin, flush=True)
        if answer := self.process.stdout.readline():
            return float(answer)
        raise RuntimeError(f"torch ended at {ask!r}; see its error above")
