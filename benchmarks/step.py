"""Times one GRPO step and prints JSON: `python -m benchmarks.step S`.

The work: 16 prompts x 8 samples, prompt 16 tokens, exactly 32 new tokens, temperature
1, a trivial reward, group-normalised advantages, one AdamW update of the clipped
objective over all 128 sequences, float32, random weights (`work.py`).
"""

import time

BEGAN = time.perf_counter()

import os  # noqa: E402
import statistics  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.floor import floor, matmul  # noqa: E402
from benchmarks.work import (  # noqa: E402
    WARM_STEPS,
    WORK,
    Record,
    Work,
    parser,
)

MICRO_BATCHES = {"S": 4, "M": 2, "smollm2": 1}  # what was fastest (README.md)
DEVICES = {"S": 2, "M": 2, "smollm2": 1}  # likewise
GRPO = "outcome('r') | center_by_group() | scale_by_group_std() | broadcast_to_tokens()"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--devices", type=int, help="CPU devices")
    arguments.add_argument("--micro-batches", type=int, help="per device")
    args = arguments.parse_args()
    # Read by jax when it is first imported, which is why the imports wait.
    devices = args.devices or DEVICES[args.shape]
    flag = f"--xla_force_host_platform_device_count={devices}"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}"
    micro_batches = args.micro_batches or MICRO_BATCHES[args.shape]
    step, flops = _program(args.shape, args.folder, micro_batches)
    record, rates = Record(BEGAN, args.paced), []
    for i in range(WARM_STEPS):
        record.add(*step(i))
    rate_of = matmul()
    for i in range(args.steps):
        record.wait()
        rates.append(rate_of())
        record.add(*step(WARM_STEPS + i))
    rate = statistics.median(rates)
    # Paired step by step: what slows the machine down slows both.
    pairs = zip(record.times, rates, strict=True)
    record.report(
        "rewardlab",
        args.shape,
        devices=devices,
        micro_batches=micro_batches,
        matmul_gflops=rate / 1e9,
        floor_seconds=flops / rate,
        ratio_to_floor=statistics.median(sum(t) * r / flops for t, r in pairs),
    )


def _program(
    shape: str, folder: str | None, micro_batches: int
) -> tuple[Callable, float]:
    """step(i) -> (rollout, update) seconds; the floor in FLOPs."""
    import jax
    import numpy as np

    from rewardlab.learning.parallel import (
        REPLICATED,
        SHARDED,
        SHARDED_ROLLOUT,
        jit_driver,
    )
    from rewardlab.runs.early import early

    config, make = _model(shape, folder)
    work, driver = WORK[shape], jit_driver()
    draw = _sampler(config, work)
    ins = (REPLICATED, SHARDED, SHARDED, SHARDED, REPLICATED)
    asked = _prompts(config, work)
    # Parameters, update and rollout compile side by side, the last two as two programs
    # so that each can be timed. Shapes stand in for what is not made yet.
    here = driver.replicate(np.zeros(())).sharding
    apart = driver.spmd(lambda x: x, SHARDED, SHARDED)(
        np.zeros(driver.devices)
    ).sharding
    made, params = early(make), _laid(jax.eval_shape(make), here)
    draws = driver.fuse(driver.spmd(draw, ins, SHARDED_ROLLOUT))
    case = (params, *asked, np.int32(0))
    rollout = _laid(jax.eval_shape(draws, *case), here, apart)
    learn = _learner(config, driver, micro_batches)
    first = _laid(jax.eval_shape(learn.init, params, rollout), here)
    update = early(driver.fuse(learn.update, donate=(0,)), first, rollout)
    generate = early(draws, *case)
    state = [learn.init(driver.replicate(made()), rollout)]

    def step(i: int) -> tuple[float, float]:
        begin, now = time.perf_counter(), np.int32(i)
        rollout = jax.block_until_ready(generate(state[0].params, *asked, now))
        middle = time.perf_counter()
        state[0], _ = jax.block_until_ready(update(state[0], rollout))
        return middle - begin, time.perf_counter() - middle

    return step, floor(config, work)


def _prompts(config: Any, work: Work) -> tuple[Any, Any, Any]:
    """Random tokens, their mask and the numbers of the prompts."""
    import numpy as np

    size = (work.prompts, work.prompt_tokens)
    drawn = np.random.default_rng(2).integers(config.vocab_size, size=size)
    return drawn.astype(np.int32), np.ones(size, bool), np.arange(work.prompts)


def _model(shape: str, folder: str | None) -> tuple[Any, Callable]:
    """The shape of a model, and a function that makes its parameters."""
    import jax

    from rewardlab.models import lm
    from rewardlab.models.weights import read_config, read_weights

    if folder is None:
        config = lm.CONFIGS[shape]
        return config, jax.jit(lambda: lm.init(config, jax.random.key(0)))
    config = read_config(folder)
    return config, lambda: read_weights(folder, config)


def _sampler(config: Any, work: Work) -> Callable:
    """(params, prompts, mask, ids, iteration) -> the rollout with its reward."""
    import jax
    import jax.numpy as jnp

    from rewardlab.models import lm
    from rewardlab.rollouts import Sampling, rollout_completions

    options = Sampling(work.samples, work.new_tokens, eos_ids=(), pad_id=0)

    def draw(params: Any, prompts: Any, mask: Any, ids: Any, i: Any) -> Any:
        key = jax.random.key(1)
        asked = (prompts, mask, ids, key, i, options)
        rollout = rollout_completions(lm.bind(config), params, *asked)
        return rollout.with_signals(r=jnp.mean(rollout.tokens % 2, axis=1))

    return draw


def _laid(shapes: Any, scalars: Any, arrays: Any = None) -> Any:
    """The same shapes with the layouts of scalars and, if they differ, of arrays."""
    import jax

    def laid(x: Any) -> Any:
        layout = arrays if arrays and x.ndim else scalars
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=layout)

    return jax.tree.map(laid, shapes)


def _learner(config: Any, driver: Any, micro_batches: int) -> Any:
    """GRPO with AdamW."""
    import optax

    from rewardlab.core.compose import estimator
    from rewardlab.learning.learner import Parts, learner
    from rewardlab.methods.sentence import build
    from rewardlab.models.logprobs import completion_logprobs
    from rewardlab.objectives import clipped, objective, sequence_mean
    from rewardlab.transforms.sources import outcome

    def policy(params: Any, r: Any) -> Any:
        return completion_logprobs(
            config, params, r.prompts, r.prompt_mask, r.tokens, r.valid
        )

    parts = Parts(
        policy,
        estimator(build(GRPO)),
        lambda state, rollout: outcome("r").update({}, (), rollout)[0]["r"],
        objective(clipped(), aggregate=sequence_mean()),
        # One vector is fewer loops, and copies of all there is.
        optax.adamw(1e-5) if config.is_stacked else optax.flatten(optax.adamw(1e-5)),
    )
    return learner(
        lambda hp: parts, driver, micro_batches=micro_batches, on_policy=True
    )


if __name__ == "__main__":
    main()
