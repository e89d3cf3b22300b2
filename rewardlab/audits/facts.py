"""What signals are made of: outcomes, tokens and values of an enumerated process."""

import dataclasses
import functools

import numpy as np
from jaxtyping import Bool, Float, Int

from rewardlab.audits import exact
from rewardlab.audits.process import Process


@dataclasses.dataclass(frozen=True)
class Facts:
    """A process with a verdict drawn for each episode, and laid out in tokens.

    An outcome is an episode and the verifier's verdict of it: A outcomes, of which
    `episode` says the row of the process. A turn's first token chooses its action, and
    the others, certain then, spell it out; the last turn's end is the row's end.
    """

    process: Process
    episode: Int[np.ndarray, " A"]
    correct: Float[np.ndarray, " A"]

    @functools.cached_property
    def chance(self) -> Float[np.ndarray, " A"]:
        """Of each outcome given its prompt."""
        heard = said(self.process)[self.episode]
        seen = np.where(self.correct == 1, heard, 1 - heard)
        return exact.chances(self.process)[self.episode] * seen

    @functools.cached_property
    def prompt(self) -> Int[np.ndarray, " A"]:
        """The prompt of each outcome."""
        return self.process.prompt[self.episode]

    @functools.cached_property
    def step(self) -> Int[np.ndarray, "E T"]:
        """The turn of each token, -1 past the end."""
        world = self.process.world
        found = np.full(
            (len(self.process.actions), world.turns * max(world.tokens)), -1
        )
        for e, actions in enumerate(self.process.actions):
            long = np.repeat(
                np.arange(world.turns), [world.tokens[a] * (a >= 0) for a in actions]
            )
            found[e, : len(long)] = long
        return found

    @functools.cached_property
    def chooses(self) -> Bool[np.ndarray, "E T"]:
        """Whether a token is the first of its turn."""
        before = np.pad(self.step, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
        return (self.step >= 0) & (self.step != before)

    @functools.cached_property
    def first(self) -> Int[np.ndarray, "E S"]:
        """Where the first token of each turn is; 0 for turns that there are not."""
        turns = np.arange(self.process.world.turns)[None, :, None]
        return np.argmax(self.step[:, None] == turns, axis=2)

    def at_choices(
        self, x: Float[np.ndarray, "E S"], otherwise: float = 0.0
    ) -> Float[np.ndarray, "E T"]:
        """A number a turn on the token that chooses, another on all others."""
        rows = np.arange(len(x))[:, None]
        return np.where(self.chooses, x[rows, np.maximum(self.step, 0)], otherwise)

    @functools.cached_property
    def logp(self) -> Float[np.ndarray, "E T"]:
        """Log-probs of the tokens, nats; what is spelt out is certain."""
        process = self.process
        taken = exact.of_taken(process, exact.policy(process.logits))
        return self.at_choices(np.log(taken))

    @functools.cached_property
    def value(self) -> Float[np.ndarray, "E S+1"]:
        """E[success | text] before each turn and at the end, as wrong as the
        world says.

        The error belongs to the text and is the same whoever meets it; what is wrong
        stays in [0, 1].
        """
        process = self.process
        right = exact.values(process, process.text)
        return (
            np.clip(right + self.error(0)[process.text], 0, 1) if self._errs else right
        )

    def error(self, number: int) -> Float[np.ndarray, " X"]:
        """One error a text; another `number` makes others."""
        world = self.process.world
        rng = np.random.default_rng([world.seed, 1 + number])
        return rng.normal(scale=world.error, size=self.process.text.max() + 1)

    @property
    def _errs(self) -> bool:
        return self.process.world.error > 0


def said(process: Process) -> Float[np.ndarray, " E"]:
    """The chance that the verifier calls an episode right."""
    noise = process.world.noise
    return process.success * (1 - noise) + (1 - process.success) * noise


def facts_of(process: Process) -> Facts:
    """All outcomes of a process that can be."""
    count, heard = len(process.prompt), said(process)
    episode = np.repeat(np.arange(count), 2)
    correct = np.tile([0.0, 1.0], count)
    can_be = np.where(correct == 1, heard[episode], 1 - heard[episode]) > 0
    return Facts(process, episode[can_be], correct[can_be])
