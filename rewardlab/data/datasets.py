"""What all tasks' TFDS builders share: distinct problems, splits, reading back."""

import abc
import contextlib
import dataclasses
import functools
import io
import json
import pathlib
import shutil
import zlib
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from rewardlab.system.files import fingerprints, write_whole
from rewardlab.system.lock import turn

_SEAL = "files.json"  # size and CRC-32 of every other file of a data set
SPLITS = ("train", "validation", "test")
Example = dict[str, Any]


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(tfds.core.BuilderConfig):
    """Which problems, and how many a split; each choice has its own folder.

    A task's own class adds its fields and sets `name` from them in `__post_init__`,
    with `sizes` at its end.
    """

    name: str = dataclasses.field(init=False)
    train: int
    validation: int
    test: int

    @property
    def sizes(self) -> str:
        """How many problems the splits have, as in a folder's name."""
        return f"{self.train}_{self.validation}_{self.test}"


class ProblemBuilder(tfds.core.GeneratorBasedBuilder, abc.ABC):
    """Generates distinct random problems; splits share none of them.

    A task says how a problem is drawn (`draw`), what makes two of them the same for the
    splits (`key`), and how one is written (`example`, by `features`). Every example has
    a unique `id` as well.
    """

    VERSION = tfds.core.Version("1.0.0")
    builder_config: Any
    code_path = None  # the place of a list of checksums; nothing is downloaded

    @abc.abstractmethod
    def features(self) -> dict[str, Any]:
        """The TFDS features of an example, `id` apart."""

    @abc.abstractmethod
    def draw(self, rng: np.random.Generator) -> Hashable:
        """One random problem."""

    @abc.abstractmethod
    def example(self, problem: Any) -> Example:
        """The problem as `features` say."""

    def key(self, problem: Any) -> Any:
        """Problems whose keys are written alike lie in the same split."""
        return problem

    def _info(self) -> tfds.core.DatasetInfo:
        features = self.features() | {"id": tfds.features.Scalar(np.int32)}
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:
        first, generators = 0, {}
        for split, problems in self._distinct().items():
            generators[split] = self._generate_examples(problems, first)
            first += len(problems)
        return generators

    def _generate_examples(
        self, problems: list[Any], first: int
    ) -> Iterator[tuple[int, Example]]:
        for number, problem in enumerate(problems, first):
            yield number, {**self.example(problem), "id": number}

    def _distinct(self) -> dict[str, list[Any]]:
        """Distinct problems of every split that has any, always the same ones."""
        sizes = {split: getattr(self.builder_config, split) for split in SPLITS}
        drawn: dict[str, dict[Any, None]] = {s: {} for s, n in sizes.items() if n}
        rng = np.random.default_rng(0)
        for _ in range(50 * sum(sizes.values())):
            if all(len(drawn[split]) == sizes[split] for split in drawn):
                return {split: list(problems) for split, problems in drawn.items()}
            problem = self.draw(rng)
            split = _split_of(self.key(problem))
            if len(drawn.get(split, ())) < sizes[split]:
                drawn[split][problem] = None
        have = {split: len(problems) for split, problems in drawn.items()}
        raise ValueError(
            f"there are too few different problems for {self.builder_config.name}, "
            f"found {have}; lower the sizes of the splits, or make the problems larger"
        )


def _split_of(key: Any) -> str:
    bucket = zlib.crc32(repr(key).encode()) % 10
    return {0: "validation", 1: "test"}.get(bucket, "train")


def read(
    builder: type[ProblemBuilder],
    config: Problems,
    split: str,
    data_dir: str | pathlib.Path,
) -> list[Example]:
    """A split's examples by `id`, generated under `data_dir` if they are not there."""
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}; have {list(SPLITS)}")
    if getattr(config, split) < 1:
        raise ValueError(f"the split {split!r} is empty; set its size to 1 or more")
    with turn(pathlib.Path(data_dir)):
        source = _prepared(builder, config, data_dir).as_data_source(split=split)
        examples = source.__getitems__(range(len(source)))
    return sorted(examples, key=lambda example: example["id"])


def _prepared(
    builder: type[ProblemBuilder], config: Problems, data_dir: str | pathlib.Path
) -> ProblemBuilder:
    """The data set in its folder; one that is not as it was written is made again."""
    version = str(builder.VERSION)
    folder = pathlib.Path(data_dir, builder.name, config.name, version).absolute()
    if folder.exists() and not _whole(folder):
        shutil.rmtree(folder)
    make = functools.partial(
        builder, config=config, data_dir=data_dir, file_format="array_record"
    )
    with _quiet():
        made = make()
        if made.is_prepared():
            return made
        try:
            made.download_and_prepare()
        except OSError:  # another process wrote the same folder first, without a turn
            made = make()
            if not made.is_prepared():
                raise
        write_whole(folder / _SEAL, json.dumps(fingerprints(folder)))
        return made


def _whole(folder: pathlib.Path) -> bool:
    try:
        written = json.loads((folder / _SEAL).read_bytes())
        there = fingerprints(folder)
    except (OSError, ValueError, RecursionError):
        return False
    return written == {name: x for name, x in there.items() if name != _SEAL}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS warns of configs its builder does not list, and talks of downloads."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()
        logging.set_verbosity(verbosity)
