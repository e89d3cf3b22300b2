"""Workers on the nodes of a Ray cluster that is there already.

Each has its cores and devices of a node, of which Ray keeps the account. All nodes see
the grid's folder under the same path, and have this package.
"""

import contextlib
import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rewardlab.launch.resources import Resources
from rewardlab.launch.worker import Order, Place, Worker


class OnNode:
    """On a node: a worker's process, as Ray's actor has it."""

    def __init__(self, folder: str) -> None:
        with contextlib.suppress(OSError):  # configs and words by relative paths
            os.chdir(folder)
        self.worker = Worker(Place(environment={"PYTHONPATH": _python_path(folder)}))

    def run(self, orders: Sequence[Order]) -> list[int]:
        """The exit status of each."""
        return self.worker.run(*orders)

    def stop(self, told: int) -> None:
        """Passes a signal on."""
        self.worker.stop(told)


def _python_path(folder: str) -> str:
    return os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))


class RayWorker:
    """A worker somewhere in the cluster: begun at its first run, where there is room.

    One whose node is lost has lost its runs alone: another goes on with them, once.
    """

    def __init__(self, resources: Resources) -> None:
        self.ray, self.resources = connected(), resources
        self.told = 0
        self._actor: Any = None

    def run(self, *orders: Order) -> list[int]:
        """The exit status of each; several are done side by side."""
        whole = [o._replace(log=o.log and Path(o.log).absolute()) for o in orders]
        for _ in range(2):
            if self.told:
                return [128 + self.told] * len(whole)
            if self._actor is None:
                self._actor = self._begun()
            try:
                return self.ray.get(self._actor.run.remote(whole))
            except self.ray.exceptions.RayError as error:
                self.close()
                said = f"error: the node of this run was lost ({type(error).__name__})"
                for order in whole:
                    _append(order.log, said)
        return [1] * len(whole)

    def stop(self, told: int) -> None:
        """Sends a signal to the worker: told once, its runs save and leave."""
        self.told = told
        if self._actor is not None:
            self._actor.stop.remote(told)

    def close(self) -> None:
        """Ends the worker."""
        actor, self._actor = self._actor, None
        if actor is not None:
            self.ray.kill(actor)

    def _begun(self) -> Any:
        need = self.resources
        options: dict[str, Any] = {"num_cpus": need.cpus, "num_gpus": need.gpus}
        if need.memory:
            options["memory"] = need.memory * 2**30
        remote = self.ray.remote(OnNode)
        return remote.options(**options, max_concurrency=2).remote(os.getcwd())


def connected() -> Any:
    """Ray, with the cluster of RAY_ADDRESS or that of this machine.

    `ValueError` where there is no Ray, or no cluster.
    """
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise ValueError(
            "--launcher=ray needs a package: pip install 'rewardlab[ray]'"
        ) from None
    if not ray.is_initialized():
        try:
            address = os.environ.get("RAY_ADDRESS", "auto")
            ray.init(address=address, log_to_driver=False, logging_level="warning")
        except ConnectionError:
            raise ValueError(
                "no Ray cluster is running here; start one with `ray start --head`, or "
                "set RAY_ADDRESS"
            ) from None
    return ray


def _append(log: Path | None, said: str) -> None:
    if log is not None:
        with log.open("a") as file:
            print(said, file=file)
