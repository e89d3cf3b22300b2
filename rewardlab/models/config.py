"""The shape of a decoder and how it computes."""

import dataclasses

MATRICES = ("query", "key", "value", "out", "gate", "up", "down")  # of one layer


@dataclasses.dataclass(frozen=True)
class RopeScaling:
    """How RoPE's frequencies are stretched beyond the length that was trained.

    `kind` is "linear" (position interpolation, arXiv 2306.15595), "llama3" (Llama 3.1,
    arXiv 2407.21783) or "yarn" (arXiv 2309.00071). `factor` is how many times longer,
    `original_length` what was trained, in tokens (linear needs none). llama3 keeps what
    turns more than `high_freq_factor` times in it and stretches what turns less than
    `low_freq_factor` times; yarn likewise with `beta_fast` and `beta_slow`.
    `attention_factor` scales yarn's rotations: None is its 0.1 ln(factor) + 1.
    `truncate` rounds yarn's two ends to whole pairs.
    """

    kind: str
    factor: float
    original_length: int = 0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    attention_factor: float | None = None
    truncate: bool = True

    def __post_init__(self) -> None:
        _one_of("rope_scaling.kind", self.kind, "linear", "llama3", "yarn")
        if self.factor <= 0:
            raise ValueError(f"rope_scaling.factor={self.factor} must be positive")
        if self.kind != "linear" and self.original_length < 1:
            raise ValueError(
                f"rope_scaling of kind {self.kind!r} needs original_length, the length "
                "in tokens that the model was trained with"
            )


@dataclasses.dataclass(frozen=True)
class LoRA:
    """Low-rank adapters (arXiv 2106.09685): y = x w + (alpha / rank) (x a) b.

    `targets` names the matrices that have them; those that a layer lacks (`gate` where
    `mlp` is "gelu_tanh") are passed over.
    """

    rank: int
    alpha: float
    targets: tuple[str, ...] = MATRICES

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"lora.rank={self.rank} must be at least 1")
        if self.alpha <= 0:
            raise ValueError(f"lora.alpha={self.alpha} must be positive")
        if not self.targets:
            raise ValueError("lora.targets is empty; name at least one matrix")
        for target in self.targets:
            _one_of("lora.targets", target, *MATRICES)

    @property
    def scale(self) -> float:
        """What the product of an adapter's two matrices is multiplied with."""
        return self.alpha / self.rank


@dataclasses.dataclass(frozen=True)
class LMConfig:
    """The shape of a model and how it computes.

    Parameters are float32; `dtype` is that of activations and cache ("float32" or
    "bfloat16"). `tied` uses the embedding as the head. `qk_norm` divides each head's
    queries and keys by their root mean square before RoPE. `norm` is "rms" or "layer"
    (with a mean and a bias), `mlp` "swiglu" or "gelu_tanh" (no gate), `positions`
    "rope" or "learned": a table of `max_positions` rows. With RoPE `max_positions` is
    what a checkpoint was trained for, 0 where nobody said.

    `stacked` gives all layers one array a name, with a leading layer axis. They are
    then scanned and recomputed in the backward pass: a tenth of the memory, compiling
    that does not grow with depth, and up to a third more time. None does so if the
    layers have more than 2^25 weights: S and M have fewer, a checkpoint has more.
    """

    vocab_size: int
    num_layers: int
    width: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    ffn: int
    tied: bool = True
    dtype: str = "float32"
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    norm: str = "rms"
    mlp: str = "swiglu"
    positions: str = "rope"
    max_positions: int = 0
    rope_scaling: RopeScaling | None = None
    stacked: bool | None = None
    lora: LoRA | None = None

    def __post_init__(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_heads={self.num_heads} is not a multiple of num_kv_heads="
                f"{self.num_kv_heads}; every key head serves as many query heads"
            )
        _one_of("dtype", self.dtype, "float32", "bfloat16")
        _one_of("norm", self.norm, "rms", "layer")
        _one_of("mlp", self.mlp, "swiglu", "gelu_tanh")
        _one_of("positions", self.positions, "rope", "learned")
        if self.positions == "rope" and self.head_dim % 2:
            raise ValueError(
                f"head_dim={self.head_dim} is odd; RoPE turns pairs, so make it even"
            )
        if self.positions == "learned" and self.max_positions < 1:
            raise ValueError(
                "positions='learned' needs max_positions, the length of its table"
            )
        if self.positions == "learned" and self.rope_scaling:
            raise ValueError("rope_scaling needs positions='rope'; leave out one")

    @property
    def is_stacked(self) -> bool:
        """Whether `init` and the readers of weights give stacked layers."""
        if self.stacked is not None:
            return self.stacked
        heads = 2 * (self.num_heads + self.num_kv_heads) * self.head_dim
        ffn = (3 if self.mlp == "swiglu" else 2) * self.ffn
        return self.num_layers * self.width * (heads + ffn) > 2**25


def _one_of(name: str, value: str, *allowed: str) -> None:
    if value not in allowed:
        *most, last = map(repr, allowed)
        raise ValueError(f"{name}={value!r}; write {', '.join(most)} or {last}")


# How a config of a run names `LMConfig.stacked`.
LAYERS = {"auto": None, "unrolled": False, "stacked": True}

CONFIGS = {
    "S": LMConfig(64, 2, 128, num_heads=4, num_kv_heads=4, head_dim=32, ffn=512),
    "M": LMConfig(512, 6, 384, num_heads=6, num_kv_heads=6, head_dim=64, ffn=1024),
}
