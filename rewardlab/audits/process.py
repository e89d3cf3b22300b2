"""A world as tables: every episode, its states, its texts and its chance of success."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from rewardlab.audits.world import World

RIGHT, WRONG, NEUTRAL = 1, 0, -1
SHOWN = 2.0  # log-odds by which a decoy shows how the last fork was taken
Table = Int[np.ndarray, "E S"]


@dataclasses.dataclass(frozen=True)
class Process:
    """E episodes of at most S turns, of all prompts and hidden bits.

    After an episode's end `actions`, `state` and `anchor` are -1, and `history` and
    `text` stay what they were. Column k of `history` and `text` is what there was
    before turn k, the last column what there is at the end; a history is a text and the
    hidden bit.
    """

    world: World
    prompt: Int[np.ndarray, " E"]
    bit: Int[np.ndarray, " E"]
    actions: Table
    state: Table  # what the policy's logits belong to
    anchor: Table  # the signal of that name
    right: Table  # RIGHT, WRONG or NEUTRAL
    history: Int[np.ndarray, "E S+1"]
    text: Int[np.ndarray, "E S+1"]
    success: Float[np.ndarray, " E"]
    logits: Float[np.ndarray, "X K"]

    @property
    def taken(self) -> Any:
        """Where there was a turn, [E, S]."""
        return self.actions >= 0

    @property
    def prompts(self) -> int:
        """How many prompts there are."""
        return len(self.world.ease)


def enumerated(world: World) -> Process:
    """Every episode of a world."""
    rows = [
        _Episode(world, prompt, bit, path)
        for prompt in range(len(world.ease))
        for bit in range(2 if world.hidden else 1)
        for path in _paths(world)
    ]
    ids: dict[str, dict[Any, int]] = {}

    def table(kind: str, columns: int) -> Any:
        """Keys become numbers, in the order in which they are met; none is -1."""
        known = ids.setdefault(kind, {})
        found = np.full((len(rows), columns), -1)
        for e, row in enumerate(rows):
            keys = getattr(row, kind)
            found[e, : len(keys)] = [known.setdefault(key, len(known)) for key in keys]
            if kind in ("history", "text"):
                found[e, len(keys) :] = found[e, len(keys) - 1]
        return found

    def padded(name: str) -> Any:
        found = np.full((len(rows), world.turns), -1)
        for e, row in enumerate(rows):
            found[e, : len(row.path)] = getattr(row, name)
        return found

    state = table("state", world.turns)
    return Process(
        world=world,
        prompt=np.array([row.prompt for row in rows]),
        bit=np.array([row.bit for row in rows]),
        actions=padded("path"),
        state=state,
        anchor=table("anchor", world.turns),
        right=padded("right"),
        history=table("history", world.turns + 1),
        text=table("text", world.turns + 1),
        success=np.array([world.chance(row.prompt, row.good) for row in rows]),
        logits=_logits(world, rows, state),
    )


def _logits(
    world: World, rows: "list[_Episode]", state: Table
) -> Float[np.ndarray, "X K"]:
    """Of the policy: `spread` times normal numbers, but decoys show the last fork."""
    rng = np.random.default_rng(world.seed)
    logits = world.spread * rng.normal(size=(state.max() + 1, world.actions))
    for row, at in zip(rows, state, strict=True):
        for k in set(world.decoys) & set(range(len(row.path))):
            logits[at[k]] = SHOWN * (np.arange(world.actions) == row.shows[k])
    return logits


def _paths(world: World, begun: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    if len(begun) == world.turns or (world.stops and begun and begun[-1] == 0):
        yield begun
        return
    for action in range(world.actions):
        yield from _paths(world, (*begun, action))


class _Episode:
    """One path, and by turn what it was in."""

    def __init__(
        self, world: World, prompt: int, bit: int, path: tuple[int, ...]
    ) -> None:
        self.prompt, self.bit, self.path = prompt, bit, path
        self.state: list[Any] = []
        self.anchor: list[Any] = []
        self.right: list[int] = []
        self.shows: list[int] = []  # a decoy's action
        good, last = dict.fromkeys(world.forks, False), False
        for k, action in enumerate(path):
            seen = (prompt, bit, path[:k])
            matters = (prompt, bit, k, tuple(good.values()))
            page = (prompt, path[k - 1] if k else -1)
            self.state.append(matters if world.states == "merged" else seen)
            self.anchor.append(
                {"tree": (prompt, path[:k]), "merged": matters, "aliased": page}[
                    world.states
                ]
            )
            self.shows.append(int(last))
            self.right.append(NEUTRAL)
            if k in world.forks:
                good[k] = last = action == world.right(k, bit)
                self.right[k] = int(last)
            for fork, turn in world.recovery:
                if turn == k and not good[fork]:
                    good[fork] = action == world.actions - 1
                    self.right[k] = int(good[fork])
        self.good = list(good.values())
        self.history = [(prompt, bit, path[:k]) for k in range(len(path) + 1)]
        self.text = [(prompt, path[:k]) for k in range(len(path) + 1)]
