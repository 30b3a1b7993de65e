"""Slots as jobs of a batch system, by submitit: Slurm, or processes of this machine. One job is one host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from ablatrix.errors import TrialError
from ablatrix.trials.slots.mailbox import CHECK_S, MailTransport, is_served, serve
from ablatrix.trials.slots.site import Site, SlotLost, Transport

MINUTES = 24 * 60
LEAVE_S = 3.0


class JobSite:
    """A job that is a slot."""

    refusal = ""

    def __init__(self, executor: Any, mail: Path, name: str, host: str, root: Path | None) -> None:
        self._executor, self._mail, self._host, self._root = executor, mail, host, root
        self.key = self.name = name
        self._jobs: list[Any] = []

    def connect(self, run_id: str) -> Transport:
        """Return the way to a job of the run that goes on from before a restart, or to one that is submitted now.

        Raises:
            SlotLost: The batch system refuses it.
        """
        before = sorted(self._mail.glob(f"{run_id}-{self.name}-*"))
        served = [] if self._jobs else [one for one in before if is_served(one)]
        if served:
            return MailTransport(served[-1], lambda: is_served(served[-1]))
        directory = self._mail / f"{run_id}-{self.name}-{len(before)}"
        directory.mkdir(parents=True)
        try:
            job = self._executor.submit(serve, directory, self._host, self._root)
        except Exception as error:  # what a batch system refuses, it says in its own kinds of errors
            raise SlotLost(f"{type(error).__name__}: {error}") from None
        self._jobs.append(job)
        return JobTransport(directory, job)

    def is_there(self) -> bool:
        """Jobs can be submitted again."""
        return True


class JobTransport(MailTransport):
    """The way to a job."""

    def __init__(self, directory: Path, job: Any) -> None:
        super().__init__(directory, lambda: not job.done())
        self._job = job

    def close(self) -> None:
        """Ask the job to leave, and cancel it where it does not."""
        super().close()
        deadline = monotonic() + LEAVE_S
        while not self._job.done(force_check=True) and monotonic() < deadline:
            sleep(CHECK_S)
        if not self._job.done(force_check=True):
            self._job.cancel(check=False)


class JobsField:
    """A number of jobs, each a slot."""

    def __init__(
        self, cluster: str, count: int, directory: Path, options: Mapping[str, str], root: Path | None = None
    ) -> None:
        """Note what is to be submitted.

        Args:
            cluster: ``slurm``, or ``local`` for processes of this machine.
            count: How many jobs.
            directory: For messages and logs: every host must reach it by this path.
            options: Parameters of submitit, such as ``slurm_partition``.
            root: Directory on each host for what runs leave there; default: below the user's cache.
        """
        self._cluster, self._count, self._directory, self._root = cluster, count, directory, root
        self._options = dict(options)
        self._sites: list[JobSite] = []

    @property
    def word(self) -> str:
        """What slots there are called."""
        return "slurm" if self._cluster == "slurm" else "job"

    def sites(self) -> Sequence[Site]:
        """Return the jobs that there can be."""
        return self._sites

    def __enter__(self) -> JobsField:
        """Make ready to submit.

        Raises:
            TrialError: submitit is not installed, or does not know an option.
        """
        try:
            import submitit
        except ImportError:
            raise TrialError("--slots slurm: submitit is not installed; run: pip install 'ablatrix[slurm]'") from None
        try:
            executor = submitit.AutoExecutor(folder=self._directory / "jobs", cluster=self._cluster)
            own = {"slurm_exclusive": True} if self._cluster == "slurm" else {}
            executor.update_parameters(timeout_min=MINUTES, name="ablatrix", **{**own, **self._options})
        except Exception as error:
            raise TrialError(f"--slots {self._cluster}: {error}") from None
        for number in range(self._count):
            host = f"job{number}" if self._cluster == "local" else ""
            name = f"{self.word}-{number}"
            self._sites.append(JobSite(executor, self._directory / "mail", name, host, self._root))
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the jobs: they leave by themselves when nobody asks."""
