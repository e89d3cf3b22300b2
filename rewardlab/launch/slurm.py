"""The runs of a grid as array jobs of SLURM, by submitit; nobody waits for them.

    WORKDIR/slurm/            what submitit writes: scripts, pickles, output
    WORKDIR/slurm/jobs.json   the job of each run

Runs that can begin from the same base policy are a second array, which waits for the
first. A job that comes to its time limit is put into the queue again and goes on.
"""

import importlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rewardlab.launch.kept import bases, write_run
from rewardlab.launch.launchers import Ended, do, why
from rewardlab.launch.plan import Planned, begins_from
from rewardlab.launch.resources import Resources
from rewardlab.launch.worker import Worker
from rewardlab.runs.record import RUN
from rewardlab.system.files import read_json, write_whole

FOLDER, JOBS = "slurm", "jobs.json"


class Alone:
    """One run, as a job does it."""

    def __init__(self, every: Sequence[Planned]) -> None:
        self.bases = bases(every)

    def __call__(self, run: Planned) -> str:
        """What has become of it."""
        worker = Worker()
        try:
            base = begins_from(run, self.bases)
            return do([(run, base)], worker.run)[0].state
        finally:
            worker.close()

    def checkpoint(self, run: Planned) -> Any:
        """At the time limit: the same again, which goes on from the last checkpoint."""
        return importlib.import_module("submitit").helpers.DelayedSubmission(self, run)


class Slurm:
    """Submits and does not wait; `collect` says later what has become of the runs."""

    def __init__(
        self, workdir: Path, jobs: int, resources: Resources, cluster: str = "slurm"
    ) -> None:
        self.folder, self.jobs, self.resources = workdir / FOLDER, jobs, resources
        self.cluster, self.submitit = cluster, installed()

    def __call__(self, runs: Sequence[Planned]) -> Iterator[Ended]:
        known = self._known()
        left = [run for run in runs if not self._waits(known.get(run.folder.name))]
        makes = {run.base: run for run in reversed(left) if run.base}
        first = [run for run in left if makes.get(run.base) is run]
        first = [run for run in first if begins_from(run, bases(runs)) is None]
        rest = [run for run in left if run not in first]
        if first and not rest:
            first, rest = [], first
        executor = self._executor()
        for part in filter(None, (first, rest)):
            for run in part:  # before its job could say more
                run.folder.mkdir(parents=True, exist_ok=True)
                write_run(run, "waits")
            submitted = executor.map_array(Alone(runs), part)
            for run, job in zip(part, submitted, strict=True):
                known[run.folder.name] = job.job_id
            write_whole(self.folder / JOBS, json.dumps(known, indent=1) + "\n")
            self._then(executor, submitted)
            array = submitted[0].job_id.partition("_")[0]
            print(f"{len(part)} runs are submitted as job {array}", flush=True)
        return iter(())

    def collect(self, runs: Sequence[Planned]) -> Iterator[Ended]:
        """What has become of each: of jobs that ended without a word, why."""
        known = self._known()
        for run in runs:
            said = read_json(run.folder / RUN)
            state, error = said.get("state", "waits"), said.get("error", "")
            job = self._job(known.get(run.folder.name))
            if state in ("waits", "runs") and job is not None and job.done():
                error = why(job.paths.stderr, 1)
                error, state = f"{error} (job {job.job_id}: {job.state})", "failed"
                write_run(run, state, error)
            yield Ended(run, state, error)

    def _executor(self) -> Any:
        need, slurm = self.resources, self.cluster == "slurm"
        try:
            made = self.submitit.AutoExecutor(self.folder, cluster=self.cluster)
        except RuntimeError:
            raise ValueError(
                "no SLURM on this machine (srun is not found); submit on a login node"
            ) from None
        made.update_parameters(
            name="rewardlab",
            timeout_min=need.minutes,
            cpus_per_task=need.cpus,
            gpus_per_node=need.gpus,
            **({"mem_gb": need.memory} if need.memory else {}),
        )
        if slurm:
            made.update_parameters(
                slurm_array_parallelism=self.jobs,
                slurm_additional_parameters=dict(need.others),
            )
        return made

    def _then(self, executor: Any, submitted: Sequence[Any]) -> None:
        """What is submitted next begins when these have ended."""
        if self.cluster == "slurm":
            array = submitted[0].job_id.partition("_")[0]
            executor.update_parameters(slurm_dependency=f"afterany:{array}")
        else:
            for job in submitted:
                job.wait()

    def _known(self) -> dict[str, str]:
        return {k: str(x) for k, x in read_json(self.folder / JOBS).items()}

    def _job(self, job: str | None) -> Any:
        if job is None:
            return None
        kind = self.submitit.SlurmJob
        if self.cluster != "slurm":
            kind = self.submitit.local.local.LocalJob
        return kind(self.folder, job)

    def _waits(self, job: str | None) -> bool:
        """Whether a job is in the queue, or runs."""
        found = self._job(job)
        return found is not None and not found.done()


def installed() -> Any:
    """submitit; `ValueError` where it is not installed."""
    try:
        return importlib.import_module("submitit")
    except ImportError:
        raise ValueError(
            "--launcher=slurm needs a package: pip install 'rewardlab[slurm]'"
        ) from None
