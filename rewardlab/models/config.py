"""The shape of a decoder and how it computes."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class LMConfig:
    """The shape of a model and how it computes.

    Parameters are float32; `dtype` is that of activations and cache ("float32" or
    "bfloat16"). `tied` uses the embedding as the head. `remat` recomputes each layer
    in the backward pass: less memory, about a fifth more time.
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
    remat: bool = False
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_heads={self.num_heads} is not a multiple of num_kv_heads="
                f"{self.num_kv_heads}; every key head serves as many query heads"
            )
        if self.head_dim % 2:
            raise ValueError(
                f"head_dim={self.head_dim} is odd; RoPE turns pairs, so make it even"
            )
        if self.dtype not in ("float32", "bfloat16"):
            raise ValueError(f"dtype={self.dtype!r}; write 'float32' or 'bfloat16'")


CONFIGS = {
    "S": LMConfig(64, 2, 128, num_heads=4, num_kv_heads=4, head_dim=32, ffn=512),
    "M": LMConfig(512, 6, 384, num_heads=6, num_kv_heads=6, head_dim=64, ffn=1024),
}
