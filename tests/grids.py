"""A grid's folder written by hand: plan, metrics, configs, completions."""

import json

from records import line

EVIL = "<script>alert('x')</script>\x1b[31m\u202e&amp;\"'"
CONFIG = {
    "seed": 0,
    "reward": "grpo",
    "sentence": "outcome('correct') | center_by_group()",
    "loss": "clipped(epsilon=0.2) | token_mean()",
    "select": "",
    "optim": {"lr": 0.1},
    "train": {"max_steps": 2},
    "rollout": {"num_prompts": 2, "num_generations": 4},
    "model": {"init_from": "there"},
}
DEVICES = [{"kind": "cpu", "count": 2, "jax": "0.7.2"}]
TOKENS = [("4", True, 0, 1.0), (EVIL, True, 0, -2.0), ("said", False, 0, 0.0)]


def metrics(score):
    rows = [{"step": 0, "eval/pass@1": 0.25, "eval/mean_length": 3.0}]
    for step in (1, 2):
        row = {"step": step, "reward/mean": 0.5 * step, "rewards/correct/mean": score}
        more = {"entropy": 0.5, "completions/mean_length": 4.0, "step_time": 30.0}
        rows.append({**row, **more})
    rows[-1] |= {"eval/pass@1": score, "eval/mean_length": 5.0}
    return rows


def completions():
    """A wrong answer that is paid best, and a right one that is paid worst."""
    paid = [(0.75, 0.0), (0.5, 1.0), (-0.25, 1.0), (0.0, 0.0), (9.0, 0.0), (None, 0.0)]
    for row, (reward, correct) in enumerate(paid):
        said = line(row, TOKENS, {"correct": correct})
        yield {**said, "reward": reward, "kept": reward != 9.0, "prompt": EVIL}


def run(folder, seed=0, score=0.5, state="done", **config):
    folder.mkdir(parents=True)
    own = {"state": state, "id": "0" * 12, "seconds": 60.0, "devices": DEVICES}
    (folder / "run.json").write_text(json.dumps({**own, "error": EVIL}))
    (folder / "config.json").write_text(json.dumps({**CONFIG, "seed": seed, **config}))
    text = "".join(json.dumps(row) + "\n" for row in metrics(score))
    (folder / "metrics.jsonl").write_text(text)
    (folder / "completions").mkdir()
    text = "".join(json.dumps(x) + "\n" for x in completions())
    (folder / "completions" / "completions_00002.jsonl").write_text(text)


def grid(folder, arms, seeds, **said):
    """A plan; its runs are written apart from it."""
    folder.mkdir(exist_ok=True)
    plan = [
        {"id": "0" * 12, "arm": arm, "axes": {}, "task": None, "seed": seed}
        | {"folder": f"{n}-{seed}"}
        for n, arm in enumerate(arms)
        for seed in seeds
    ]
    whole = {
        "schema": 1,
        "question": "Does it help?",
        "command": ["rewardlab", "grid", "--arm=b=outcome('correct')"],
        "commit": "abc1234",
        "config": "quickstart",
        "arms": {arm: {"reward": "grpo", "options": []} for arm in arms},
        "axes": {},
        "seeds": list(seeds),
        "measures": ["pass@1", "mean_length"],
        "reach": None,
        "runs": plan,
    }
    (folder / "grid.json").write_text(json.dumps({**whole, **said}))
