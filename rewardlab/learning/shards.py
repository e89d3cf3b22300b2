"""What one device holds of the rows and of the trained arrays, and how it meets others.

The mesh has two axes. Rows are cut over both; trained arrays, their gradients and the
optimizer's state over `fsdp` alone, each along its largest axis that divides.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Bool, Float

AXES = DATA, FSDP = "data", "fsdp"
SMALL = 4096  # numbers; an array of fewer stays whole: to ask for it takes longer


def cut_of(shape: tuple[int, ...], count: int) -> int | None:
    """The axis along which an array is cut into `count` parts; None: it stays whole.

    cut_of((576, 1536), 4) == 1
    """
    size = 1
    for length in shape:
        size *= length
    fits = [i for i, length in enumerate(shape) if length % count == 0]
    if count == 1 or size < SMALL or not fits:
        return None
    return max(fits, key=lambda i: shape[i])


def cuts_of(tree: Any, count: int) -> tuple[int | None, ...]:
    """`cut_of` every leaf, in order."""
    return tuple(cut_of(jnp.shape(x), count) for x in jax.tree.leaves(tree))


def specs_of(tree: Any, count: int) -> Any:
    """The same as specs of a mesh, one for each leaf of the tree."""
    leaves, structure = jax.tree.flatten(tree)
    cuts = cuts_of(tree, count)
    specs = [
        P() if cut is None else P(*[FSDP if i == cut else None for i in range(x.ndim)])
        for x, cut in zip(leaves, cuts, strict=True)
    ]
    return jax.tree.unflatten(structure, specs)


@dataclasses.dataclass(frozen=True)
class Shards:
    """A per-shard program's way to the others of its mesh; alone, all is its own.

    `axes` are those that rows are cut over, `cuts` the axis along which each trained
    leaf is cut over `fsdp`.
    """

    axes: tuple[str, ...] = ()
    cuts: tuple[int | None, ...] = ()

    def whole(self, trained: Any) -> Any:
        """The trained arrays from their parts.

        Its transpose adds gradients up over `fsdp` and leaves each device its part.
        """
        leaves, structure = jax.tree.flatten(trained)
        full = [
            x if cut is None else lax.all_gather(x, FSDP, axis=cut, tiled=True)
            for x, cut in self._with_cuts(leaves)
        ]
        return jax.tree.unflatten(structure, full)

    def sum(self, grads: Any, sums: Any) -> tuple[Any, Any]:
        """Both over all devices: of gradients of parts each keeps its own."""
        if not self.axes:
            return grads, sums
        leaves, structure = jax.tree.flatten(grads)
        pairs = self._with_cuts(leaves)
        apart = [x for x, cut in pairs if cut is not None]
        both = [x for x, cut in pairs if cut is None]
        # Together, so that one message carries what is small.
        both, sums = lax.psum((both, sums), self.axes)
        parts, others = iter(lax.psum(apart, DATA) if apart else []), iter(both)
        added = [next(others if cut is None else parts) for _, cut in pairs]
        return jax.tree.unflatten(structure, added), sums

    def total(self, sums: Any) -> Any:
        """The sums over all devices."""
        return lax.psum(sums, self.axes) if self.axes else sums

    def norm(self, grads: Any) -> Float[Array, ""]:
        """sqrt of the sum of squares over all leaves, of whole arrays."""
        pairs = self._with_cuts(jax.tree.leaves(grads))
        squares = [(jnp.sum(jnp.square(x)), cut) for x, cut in pairs]
        total = sum((x for x, cut in squares if cut is None), jnp.zeros(()))
        if apart := [x for x, cut in squares if cut is not None]:
            total = total + lax.psum(sum(apart[1:], apart[0]), FSDP)
        return jnp.sqrt(total)

    def all(self, flag: Bool[Array, ""]) -> Bool[Array, ""]:
        """Whether it holds on every device; they differ only where something is cut."""
        if all(cut is None for cut in self.cuts):
            return flag
        return lax.pmin(flag.astype(jnp.int32), FSDP) > 0

    def _with_cuts(self, leaves: list[Any]) -> list[tuple[Any, int | None]]:
        cuts = self.cuts or (None,) * len(leaves)
        return list(zip(leaves, cuts, strict=True))


ALONE = Shards()
