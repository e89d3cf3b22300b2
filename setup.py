"""The package, its extras and its bounds; exact versions: requirements-*.lock."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.*)"$', (HERE / "rewardlab" / "__init__.py").read_text(), re.M
)

# From the oldest that the locks have (Python 3.11) to below the first not yet tried.
RUN = [
    "absl-py>=2.1,<3",
    "array-record>=0.6,<0.9",
    "chex>=0.1.90,<0.2",
    "flax>=0.12,<0.13",
    "hypothesis>=6.100,<7",
    "jax>=0.10,<0.13",
    "jaxtyping>=0.3,<0.4",
    "jinja2>=3.1,<4",
    "matplotlib>=3.9,<4",
    "ml-collections>=1.0,<2",
    "numpy>=2.0,<3",
    "optax>=0.2.5,<0.3",
    "orbax-checkpoint>=0.11,<0.13",
    "rich>=13.9,<16",
    "scipy>=1.14,<2",
    "tensorboardX>=2.6.2,<3",
    "tensorflow-datasets>=4.9.9,<5",
]
# Real models: tokenizers, weights, the demo's weights.
HF = ["safetensors>=0.5,<0.9", "tokenizers>=0.21,<0.24"]
GGUF = ["gguf>=0.17,<0.20"]
MATHS = ["math-verify>=0.8,<0.10"]  # answers that are equal as mathematics
TASKS = ["reasoning-gym>=0.1.25,<0.2"]  # generators of problems
SLURM = ["submitit>=1.5,<2"]  # grids as array jobs
RAY = ["ray>=2.40,<3"]  # grids on a Ray cluster
NOTEBOOKS = [
    "ipykernel>=6.29,<8",
    "ipywidgets>=8.1,<9",
    "jupytext>=1.16,<2",
    "nbconvert>=7.16,<8",
]
TEST = [
    *HF,
    *GGUF,
    *MATHS,
    *SLURM,
    "beartype>=0.19,<1",
    "mypy>=1.13,<3",
    "pytest>=8,<10",
    "pytest-xdist>=3.6,<4",
    "ruff>=0.8,<1",
]

setup(
    name="rewardlab",
    version=VERSION[1],
    description="What optax is for gradients, for rewards",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[
        *find_packages(include=["rewardlab", "rewardlab.*"]),
        "rewardlab.configs",
    ],
    package_dir={"rewardlab.configs": "experiments/configs"},
    package_data={
        "rewardlab.show": ["*.html", "page.css", "credit.md"],
        "rewardlab.show.report": ["report.html", "report.css"],
        "rewardlab.show.rescore": ["rescore.html"],
    },
    install_requires=RUN,
    extras_require={
        "hf": HF,
        "gguf": GGUF,
        "maths": MATHS,
        "notebooks": NOTEBOOKS,
        "tasks": TASKS,
        "slurm": SLURM,
        "ray": RAY,
        "test": TEST,
    },
    entry_points={"console_scripts": ["rewardlab=rewardlab.__main__:main"]},
)
