"""The configuration of a run: every key there is, with its default."""

from typing import Any

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from rewardlab.core.grammar import bare_names
from rewardlab.core.lookup import GIVEN, name_of
from rewardlab.methods import method_of
from rewardlab.models.config import MATRICES
from rewardlab.tasks import Task, task_named

DEFAULTS: dict[str, Any] = {
    "seed": 0,
    "reward": "grpo",  # a sentence, or the name of a method
    # What the advantage does to parameters: "clipped(0.2) | kl(0.01) | token_mean()".
    "loss": "",  # "": the method's, or PPO's by token for a sentence
    "words": (),  # modules of words of your own: "package.module"
    "select": None,  # which rows are learned from; None: the method's, "": all
    "updates": "",  # how often a rollout is learned from; "": the method's, or once
    "hp": {},  # values of the bare names in these sentences
    "signals": "",  # "prm=hop": where the sentence reads `prm`, the task's `hop`
    # Who makes signals besides the method's and the task's scorers, such as
    # "critic(lr=1e-3) | my.judges:polite(time_limit=10)".
    "scorers": "",
    # Where models beside the policy come from that scorers ask, such as
    # "teacher=runs/strong, weak=100": a run's newest policy, a folder or name of
    # weights, or steps of warm-up. Without a place, a multiple of `warmup.steps`:
    # `rewardlab.scorers.beside.BESIDE`.
    "models": "",
    "data_dir": "",  # "": a folder of the user's cache
    # Sources of problems for task.name="data": a .jsonl or .parquet file, a folder of
    # them, "tfds:NAME", "reasoning_gym:NAME(size=500)", "package.module:attribute".
    "data": {
        "path": "",  # with both splits, or a share of it is held out
        "train": "",  # or one source for each split
        "test": "",
        "held_out": 0.1,  # of the different prompts of `path`
        "prompt": "prompt",  # the column that the policy reads
        "instruction": "",  # text that follows every prompt, before it is formatted
        "demonstrations": "",  # the column to imitate in the warm-up
        # As the policy reads it: "plain", "chat" (the template of the tokenizer's
        # folder), or "few_shot" (solved problems before it, each as `shot` says).
        "format": "plain",
        "template_options": "",  # of "chat": "enable_thinking=False"
        "shots": 3,  # of "few_shot": rows that are then in neither split
        "shots_from": "",  # a source of them; "": the first rows of the train split
        # Columns in braces; the policy writes the last, and ends with what follows it.
        "shot": "Q: {prompt}\nA: {answer}\n",
        "too_long": "drop",  # prompts above rollout.max_prompt_length; or "refuse"
    },
    "model": {
        # A shape: "S", "M", or "package.module:attribute" of an `LMConfig`. Or weights:
        # the path of a Hugging Face folder, or "smollm2-135m", which is fetched once.
        "name": "S",
        # "": that of the folder, or else the task's own. A folder with tokenizer.json,
        # or "package.module:attribute" of a `Tokenizer`.
        "tokenizer": "",
        "num_layers": 0,  # 0 here and in the next three: as `name` has it
        "width": 0,
        "num_heads": 0,
        "ffn": 0,
        # Or "bfloat16". A reward that reads `ref_logp` costs a forward pass more: a
        # sampler in bfloat16 is too coarse to be compared with the reference.
        "dtype": "float32",
        # Of float32 products: "": JAX's own, which is less than float32 on GPUs and
        # TPUs (TF32, bfloat16 passes); "float32" there is whole and slower.
        "matmul_precision": "",
        # How the layers run where completions are scored: "unrolled" one by one, or
        # "stacked" in one scan that recomputes them in the backward pass (a tenth of
        # the memory). "auto": stacked beyond 2^25 weights.
        "layers": "auto",
        # Low-rank adapters (arXiv 2106.09685) learn in the place of the weights, which
        # are the reference then: y = x w + (alpha / rank) (x a) b.
        "lora": {
            "rank": 0,  # 0: all weights learn
            "alpha": 32.0,
            "targets": MATRICES,  # those that have an adapter
        },
        "init_from": "",  # the workdir of a run whose warm model to start from
    },
    "warmup": {"steps": 500, "batch_size": 64, "lr": 3e-3, "micro_batches": 1},
    "rollout": {
        "num_prompts": 16,
        "num_generations": 8,
        "max_prompt_length": 0,  # tokens; 0: that of the longest prompt
        "max_completion_length": 0,  # of the task, in `default_config`
        "temperature": 1.0,
        "top_k": 0,  # 0: off
        "top_p": 1.0,
        "stop": (),  # strings that end a completion, besides the tokenizer's ends
        "on_host": False,  # ask the environment in Python, once a turn
        # Episodes that share prefixes: see `Branching`.
        "branching": {
            "roots": 0,  # episodes that begin at the prompt; 0: all, a tree is off
            "rounds": 1,
            "turns": (),  # of each round; (): where the rule says
            "rule": "entropy_rise",  # or "least_dense", CARL's
            "weight": 0.2,
            "threshold": 0.5,
        },
        "continuations": 0,  # for the value before each turn; 0: the tree's own rows
    },
    "optim": {
        "name": "adamw",
        "lr": 2e-4,
        "schedule": "constant",
        "warmup_steps": 0,
        "b1": 0.9,
        "b2": 0.99,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,  # 0: gradients are not clipped
        "micro_batches": 1,  # of the rows on each device, to need less memory
    },
    "train": {
        "max_steps": 100,
        "max_skipped": 5,  # steps in a row that are not finite
        "max_unrewarded": 5,  # batches in a row in which no completion has a reward
        "fail_on": (),  # alarms by which `rewardlab train` ends with status 3, or "any"
    },
    "eval": {
        "every": 20,
        "num_problems": 128,  # 0: all of the test split
        "num_generations": 8,
        "temperature": None,  # None: that of the rollout; 0: greedy, one a problem
    },
    "log": {
        "completions_every": 20,
        # Rollouts kept whole, of every so many steps and of the first, for
        # `rewardlab rescore`; 0: none.
        "bundle_every": 0,
        "wandb": False,
    },
    "checkpoint": {"every": 20, "keep": 3},
    "mesh": {
        "driver": "jit",
        "devices": 0,  # 0: all there are
        # So many of them share the parameters, gradients and the optimizer's state; 1:
        # each has all of them.
        "fsdp": 1,
    },
}


def default_config(task: "str | Task" = "arithmetic") -> ConfigDict:
    """A locked config with every key. Batch sizes are in prompts, lengths in tokens.

    `task` is a built-in name, `package.module:attribute`, or a `Task`, which is then
    given to `train` too. One without demonstrations has no warm-up.
    """
    config = ConfigDict(DEFAULTS)
    config.select = placeholder(str)
    config.eval.temperature = placeholder(float)
    config.update_from_flattened_dict(_of_task(task))
    config.task = _options(task)
    config.lock()
    config.hp.unlock()  # a sentence may use any names
    return config


def use_task(config: ConfigDict, task: "str | Task") -> None:
    """Sets the task with its own options, and with its length where the config has that
    of the task before; a task without demonstrations ends the warm-up."""
    before, now = _of_task(config.task.name), _of_task(task)
    with config.unlocked():
        for key, value in now.items():
            group, name = key.split(".")
            if not value or config[group][name] == before[key]:
                config[group][name] = value
        config.task = _options(task)
    config.hp.unlock()


def _of_task(task: "str | Task") -> dict[str, Any]:
    """The values of a config that are a task's, unless somebody says otherwise."""
    known = task_named(task)
    steps, problems = DEFAULTS["warmup"]["steps"], DEFAULTS["eval"]["num_problems"]
    return {
        "rollout.max_completion_length": known.completion_length,
        "rollout.on_host": known.environment is None and known.on_host is not None,
        "warmup.steps": steps if known.demonstrations else 0,
        # Where nobody says how many problems there are, all of them.
        "eval.num_problems": problems if known.difficulty else 0,
    }


def _options(task: "str | Task") -> ConfigDict:
    known = task_named(task)
    name = task if isinstance(task, str) else name_of(task) or f"{GIVEN}:task"
    options = {"difficulty": dict(known.difficulty), "noise": dict(known.noise)}
    return ConfigDict({"name": name, **options})


def use_reward(config: ConfigDict, reward: str) -> None:
    """Sets the reward, and `hp` to a method's own values or the names of the sentences.

    A name without a value yet is None: `--config.hp.tau=0.1` is then a typed flag.
    Raises `ValueError` for what is neither a method nor a sentence.
    """
    method_of(reward)
    config.reward, config.hp = reward, ConfigDict()
    name_hyperparameters(config)


def name_hyperparameters(config: ConfigDict) -> None:
    """Adds to `hp` the bare names of the config's sentences that it lacks.

    They have the method's own values, or None.
    """
    method = method_of(config.reward)
    own = config.reward if method.reward == config.reward else ""
    values: dict[str, Any] = dict(method.hp)
    texts = [own, config.loss, config.select or "", config.updates]
    for text in filter(str.strip, texts):
        free = {name: placeholder(float) for name in bare_names(text)}
        values = {**free, **values}
    for name in sorted(set(values) - set(config.hp)):
        config.hp[name] = values[name]
