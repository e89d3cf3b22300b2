"""Small worlds in which every episode can be listed, and decisive turns are planted."""

import ast
import dataclasses
import difflib
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

INTERACTIONS = ("additive", "and", "xor")
STATES = ("tree", "merged", "aliased")
MOST = 4096  # episodes of all prompts


@dataclasses.dataclass(frozen=True)
class World:
    """A decision process of `turns` turns with `actions` actions, a prompt an `ease`.

    An episode succeeds with chance ease + effect * n, where n is by `interaction`:

    - `additive`: how many of the `forks` were taken right;
    - `and`: 1 if all were; `xor`: 1 if an even number of them was taken wrong.

    Other turns are neutral: what is done there changes nothing, besides length. The
    right action of the i-th fork is i + 1 modulo `actions`. A pair (fork, turn) of
    `recovery` says that the last action at the later turn makes up for a wrong one at
    the fork. At a turn of `decoys` the policy shows by its action whether it took the
    last fork right, so that the action goes with success and does not cause it.

    `noise` is the chance that the verifier errs. With `hidden` the right action of the
    first fork is a bit, 0 or 1, that the policy sees and no text tells. `states`: what
    a state is to the policy and in the signal `anchor`: `tree`, the history in both;
    `merged`, what matters of it in both; `aliased`, the history to the policy, and in
    `anchor` what the last action showed. With `stops` action 0 ends the episode.
    `tokens` is how long a turn is, by action: the first token chooses, the others spell
    it out. `error` is the standard deviation of what is wrong with scores and values,
    the same whenever the same text is scored.

    The policy has a logit for each action in each state, `spread` times a normal number
    (`seed`). Turns and actions count from 0.
    """

    turns: int = 4
    actions: int = 2
    forks: tuple[int, ...] = (1, 3)
    interaction: str = "additive"
    effect: float = 0.2
    ease: tuple[float, ...] = (0.0, 0.3)
    recovery: tuple[tuple[int, int], ...] = ()
    decoys: tuple[int, ...] = (2,)
    noise: float = 0.0
    hidden: bool = False
    states: str = "tree"
    stops: bool = False
    tokens: tuple[int, ...] = (1, 2)
    error: float = 0.0
    spread: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if said := next(filter(None, (*_of_sizes(self), *_of_turns(self))), ""):
            raise ValueError(f"this world cannot be: {said}")

    @property
    def decisive(self) -> tuple[int, ...]:
        """The turns whose action may change the chance of success."""
        return tuple(sorted({*self.forks, *(turn for _, turn in self.recovery)}))

    def right(self, fork: int, bit: int) -> int:
        """The right action at the turn `fork`, where the hidden bit is `bit`."""
        i = self.forks.index(fork)
        if self.hidden and i == 0:
            return bit
        if self.stops:  # to stop is right at no fork
            return 1 + i % (self.actions - 1)
        return (i + 1) % self.actions

    def chance(self, prompt: int, good: Iterable[bool]) -> float:
        """The chance of success where the forks were taken so."""
        made_up = list(good)
        n = {
            "additive": sum(made_up),
            "and": int(all(made_up)),
            "xor": int(made_up.count(False) % 2 == 0),
        }[self.interaction]
        return self.ease[prompt] + self.effect * n

    def replaced(self, values: Mapping[str, Any]) -> "World":
        """The same world with other values; `ValueError` for a name that it lacks."""
        known = [field.name for field in dataclasses.fields(self)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}" if near else f"have {known}"
                raise ValueError(f"a world has no {name!r}; {hint}")
        return dataclasses.replace(self, **values)


def _of_sizes(w: World) -> Iterable[str]:
    if not (1 <= w.turns <= 12 and 2 <= w.actions <= 4):
        yield "turns must be 1..12 and actions 2..4"
    bits = 2 if w.hidden else 1
    count = len(w.ease) * bits * w.actions**w.turns
    if count > MOST:
        yield f"it has {count} episodes and at most {MOST} are listed; take fewer turns"
    if len(w.tokens) != w.actions or min(w.tokens, default=0) < 1:
        yield f"tokens must be {w.actions} numbers from 1 up, one an action"
    for name, known in (("interaction", INTERACTIONS), ("states", STATES)):
        if getattr(w, name) not in known:
            yield f"{name} must be one of {', '.join(known)}"
    most = w.effect * (len(w.forks) if w.interaction == "additive" else 1)
    if not w.ease or min(w.ease) < 0 or w.effect < 0 or max(w.ease) + most > 1 + 1e-9:
        yield "a chance of success leaves [0, 1]; lower ease or effect"
    if not 0 <= w.noise < 0.5 or w.error < 0 or w.spread < 0:
        yield "noise must be in [0, 1/2), error and spread not negative"


def _of_turns(w: World) -> Iterable[str]:
    inside = range(w.turns)
    if not w.forks or list(w.forks) != sorted(set(w.forks)):
        yield "forks must be one turn or more, in order"
    if not {*w.forks, *w.decoys, *itertools.chain(*w.recovery)} <= set(inside):
        yield f"forks, decoys and recovery must name turns 0..{w.turns - 1}"
    if set(w.decoys) & {*w.forks, *(turn for _, turn in w.recovery)}:
        yield "a decoy decides nothing, so it is no fork and no recovery"
    if any(min(w.forks, default=0) >= decoy for decoy in w.decoys):
        yield "a decoy shows how a fork before it was taken; place it later"
    if any(fork not in w.forks or turn <= fork for fork, turn in w.recovery):
        yield "recovery must be pairs (fork, later turn)"
    if {turn for _, turn in w.recovery} & set(w.forks):
        yield "a turn of recovery must not be a fork itself"
    if w.hidden and w.states == "merged":
        yield "merged states would tell the hidden bit; take tree or aliased"


WORLDS: dict[str, World] = {
    "plain": World(),
    "and": World(interaction="and", effect=0.5),
    "xor": World(interaction="xor", effect=0.5, spread=0.0),
    "recoverable": World(turns=5, recovery=((1, 4),)),
    "stops": World(stops=True),
    "hidden": World(hidden=True, spread=0.0, turns=4, forks=(1, 2), decoys=()),
    "merged": World(turns=5, states="merged"),
    "aliased": World(turns=5, states="aliased"),
    "noisy": World(noise=0.2),
    "wrong": World(error=0.2),
    "long": World(turns=8, decoys=(2, 5), ease=(0.05,)),
}


def world_of(name: str, given: Iterable[str] = ()) -> World:
    """The world of that name with values as they are typed, ["turns=6"]."""
    if name not in WORLDS:
        raise ValueError(f"no world {name!r}; have {', '.join(WORLDS)}")
    values = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} sets nothing; write turns=6")
        try:
            values[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            values[key] = value  # a word, as in states=merged
        if isinstance(getattr(World, key, None), tuple):
            known = values[key]
            values[key] = known if isinstance(known, tuple) else (known,)
    try:
        return WORLDS[name].replaced(values)
    except TypeError as error:
        raise ValueError(f"{', '.join(given)} does not fit a world: {error}") from None
