"""The package and its extras; exact versions are in requirements.lock."""

from setuptools import find_packages, setup

TEST = [
    "beartype>=0.19",
    "hypothesis>=6.100",
    "mypy>=1.13",
    "pytest>=8",
    "pytest-xdist>=3.6",
    "ruff>=0.8",
]

setup(
    name="rewardlab",
    version="0.1.0",
    description="What optax is for gradients, for rewards",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["rewardlab", "rewardlab.*"]),
    package_data={"rewardlab.show": ["page.html"]},
    install_requires=[
        "absl-py>=2.1",
        "array-record>=0.6",
        "chex>=0.1.90",
        "flax>=0.12",
        "jax>=0.10",
        "jaxtyping>=0.3",
        "matplotlib>=3.9",
        "ml-collections>=1.0",
        "numpy>=2.0",
        "optax>=0.2.5",
        "orbax-checkpoint>=0.11",
        "rich>=13.9",
        "scipy>=1.14",
        "tensorboardX>=2.6.2",
        "tensorflow-datasets>=4.9.9",
    ],
    extras_require={"test": TEST},
    entry_points={"console_scripts": ["rewardlab=rewardlab.__main__:main"]},
)
