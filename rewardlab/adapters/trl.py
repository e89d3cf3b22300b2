"""A sentence as the advantages of TRL's GRPOTrainer, token by token.

SentenceTrainer(model, [exact], args, train_dataset=data, sentence="rloo",
                signals={"correct": "exact"})

It was tried with TRL 1.16; of what TRL calls private it uses two methods.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from trl import GRPOTrainer

from rewardlab.adapters.advantage import Advantage, Rows
from rewardlab.adapters.arrays import like, to_numpy, widened
from rewardlab.adapters.left import say_what_stays
from rewardlab.core.types import RewardTransform

SAVED = "rewardlab_advantage.npz"
TENSORS = {
    "ref_per_token_logps": "ref_logp",
    "sampling_per_token_logps": "sampler_logp",
}
Signals = Mapping[str, str | Callable[..., Any]]


class SentenceAdvantages:
    """What a trainer that is made as GRPOTrainer is needs for advantages of ours.

    class Mine(SentenceAdvantages, SomeGRPOTrainer): ...

    `sentence` is a sentence, a method's name or a transform, `hp` the values of its
    bare names. Each reward function is a signal of its name, which abstains where it
    gave None, and `reward` is their weighted sum. `signals` gives signals by name:
    the name of a reward function, {"correct": "exact"}, or a function of prompts,
    completions, completion_ids and the columns that gives each completion a number, or
    a list of numbers, one for each turn or token. Steps are turns.
    """

    def __init__(
        self,
        *args: Any,
        sentence: str | RewardTransform,
        signals: Signals | None = None,
        hp: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """`ValueError`, before anything is loaded, for what is no sentence."""
        self.advantage = Advantage(sentence, **(hp or {}))
        self._signals = dict(signals or {})
        say_what_stays(sentence, "TRL")
        super().__init__(*args, **kwargs)
        self._refuse_unknown()

    def _refuse_unknown(self) -> None:
        """`ValueError` for a signal that the sentence reads and nobody makes."""
        trainer: Any = self
        names = trainer.reward_func_names
        for ours, made in self._signals.items():
            if isinstance(made, str) and made not in names:
                raise ValueError(
                    f"the signal {ours!r} is to be the reward function {made!r}; have "
                    f"{', '.join(names)}"
                )
        known = {"reward", *names, *self._signals}
        known |= {"ref_logp"} if trainer.beta else set()
        known |= {"sampler_logp"} if trainer.use_vllm else set()
        if lacking := sorted(set(self.advantage.reads) - known):
            raise ValueError(
                f"{self.advantage.transform.sentence} reads {lacking[0]!r}, which "
                f"nobody makes; have {', '.join(sorted(known))}, and "
                f"signals={{{lacking[0]!r}: ...}} names or makes others"
            )

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Any:
        """As TRL's; what the rewards and the other signals are is kept."""
        trainer: Any = super()
        asked = (inputs, prompts, completions, completion_ids_list)
        rewards = trainer._calculate_rewards(*asked)
        made = {}
        columns = {k: [x[k] for x in inputs] for k in inputs[0] if k != "prompt"}
        columns |= {"prompts": prompts, "completions": completions}
        columns["completion_ids"] = completion_ids_list
        for name, function in self._signals.items():
            if not isinstance(function, str):
                made[name] = to_numpy(function(**columns))
        lengths = np.array([len(ids) for ids in completion_ids_list])
        self._heard = (rewards, made, lengths)
        return rewards

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        """As TRL's, with advantages [B, T] in the place of its own."""
        trainer: Any = self
        above: Any = super()
        output = above._generate_and_score_completions(inputs)
        rows, signals = self._gathered(output)
        whole = self.advantage(rows, signals, learn=bool(trainer.model.training))
        self._log(whole, rows.mask)
        local, width = output["completion_ids"].shape
        first = trainer.accelerator.process_index * local
        own = whole[first : first + local, :width]
        output["advantages"] = like(own, output["completion_ids"])
        return output

    def _gathered(self, output: Mapping[str, Any]) -> tuple[Rows, dict[str, Any]]:
        """The rows of all processes, since a group may lie in several."""
        trainer: Any = self
        rewards, made, lengths = self._heard
        ids = output["completion_ids"]
        valid = np.arange(ids.shape[1]) < lengths[:, None]
        mask = valid
        if (tools := output.get("tool_mask")) is not None:
            own = to_numpy(tools).astype(bool)  # all False: TRL has masked the row
            mask = valid & (own | ~own.any(axis=1, keepdims=True))
        logp = output.get("old_per_token_logps")
        logp = output.get("sampling_per_token_logps") if logp is None else logp
        tensors = {ours: output[x] for x, ours in TENSORS.items() if x in output}
        every = self._of_all
        train = trainer.model.training
        size = trainer.num_generations if train else trainer.num_generations_eval
        rows = Rows(
            every(mask, ids).astype(bool),
            group=np.arange(len(rewards)) // size,
            valid=every(valid, ids).astype(bool),
            logp=None if logp is None else every(logp, ids),
            tokens=every(ids, ids),
        )
        longest, width = rows.valid.sum(axis=1).max(), rows.mask.shape[1]
        made = {k: every(x, ids) for k, x in {**tensors, **made}.items()}
        for name, x in made.items():
            if x.ndim == 2 and x.shape[1] == longest:  # TRL may pad by more
                made[name] = widened(x, width, 0)
        return rows, {**self._of_rewards(to_numpy(rewards)), **made}

    def _of_all(self, x: Any, ids: Any) -> np.ndarray:
        """The rows of all processes, one after another, each as wide as the widest."""
        accelerator: Any = self.accelerator  # type: ignore[attr-defined]
        if accelerator.num_processes == 1:
            return to_numpy(x)
        tensor = like(to_numpy(x).astype(np.float32), ids)
        if tensor.ndim > 1:
            tensor = accelerator.pad_across_processes(tensor, dim=1)
        return to_numpy(accelerator.gather(tensor))

    def _of_rewards(self, rewards: np.ndarray) -> dict[str, Any]:
        """Each reward function's numbers, and their weighted sum, as signals."""
        trainer: Any = self
        heard = ~np.isnan(rewards)
        paid = np.where(heard, rewards, 0)
        weights = to_numpy(trainer.reward_weights)
        found = {"reward": paid @ weights, "reward_valid": heard.any(axis=1)}
        for column, name in enumerate(trainer.reward_func_names):
            found |= {name: paid[:, column], f"{name}_valid": heard[:, column]}
        for ours, name in self._signals.items():
            if isinstance(name, str):
                found |= {ours: found[name], f"{ours}_valid": found[f"{name}_valid"]}
        return found

    def _log(self, advantages: np.ndarray, mask: np.ndarray) -> None:
        """TRL's table of completions shows the mean over each row's tokens."""
        kept = self._logs["advantages"]  # type: ignore[attr-defined]
        for _ in range(min(len(advantages), len(kept))):
            kept.pop()
        total = np.where(mask, advantages, 0).sum(axis=1)
        kept.extend((total / np.maximum(mask.sum(axis=1), 1)).tolist())

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """As TRL's, and the state of stateful words."""
        trainer: Any = self
        above: Any = super()
        above._save_checkpoint(model, trial)
        if trainer.args.should_save:
            folder = trainer._get_output_dir(trial=trial)
            step = f"checkpoint-{trainer.state.global_step}"
            path = os.path.join(folder, step, SAVED)
            np.savez(path, **self.advantage.state_dict())  # type: ignore[arg-type]

    def _load_optimizer_and_scheduler(self, checkpoint: Any) -> None:
        """As TRL's, and the state of stateful words."""
        above: Any = super()
        above._load_optimizer_and_scheduler(checkpoint)
        if checkpoint and os.path.exists(path := os.path.join(checkpoint, SAVED)):
            with np.load(path) as saved:
                self.advantage.load_state_dict(dict(saved))


class SentenceTrainer(SentenceAdvantages, GRPOTrainer):
    """TRL's GRPOTrainer with the advantages of a sentence."""
