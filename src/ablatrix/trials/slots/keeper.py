"""The part of a slot that stays on its host: it holds the host's lock, starts the runner, and hands out spools.

It measures nothing. The runner is ablatrix's ordinary one, in a session and an environment of its own; it ends when
the keeper does, because its orders come through a pipe. A keeper that nobody asks for ``LEASE_S`` seconds leaves.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from time import monotonic, sleep, time

from ablatrix.errors import TrialError
from ablatrix.interpreter import interpreter
from ablatrix.records.machine import read_machine
from ablatrix.records.names import BUILDS_NAME, STUDY_NAME
from ablatrix.records.place import read_host_id
from ablatrix.trials.messages import decode, encode
from ablatrix.trials.slots.environment import clean_environment
from ablatrix.trials.slots.fingerprint import read_fingerprint
from ablatrix.trials.slots.host_lock import HostLock, lock_path
from ablatrix.trials.slots.leftovers import prune_runs
from ablatrix.trials.slots.messages import (
    REQUEST,
    AcknowledgeRequest,
    Answer,
    CancelRequest,
    Chunk,
    DescribeRequest,
    Description,
    Done,
    LeaveRequest,
    Offer,
    OfferRequest,
    PullRequest,
    Refused,
    Request,
    Setup,
    SetUpRequest,
    encode_answer,
)
from ablatrix.trials.slots.spool import read_piece

LEASE_S = 900.0
GRACE_S = 20.0
CHECK_S, LONGEST_WAIT_S = 0.05, 10.0
LAST_BYTES = b'"kind":"ended"}\n'
"""Of a spool whose offer came to its end: the kind is the last field, and within a text it would be escaped."""
RUNNER = "ablatrix.trials.run.slot_process"
SETUP, OFFERS, SPOOLS, STUDY = "setup.json", "offers", "spools", "study"


class Keeper:
    """Answers requests, one at a time; none waits for longer than a few seconds."""

    def __init__(
        self, root: Path | None = None, host: str = "", watched: tuple[int, ...] = (), locks: Path | None = None
    ) -> None:
        """Take the lock of the host, or note who has it.

        Args:
            root: Directory for what runs leave on this host; default: below the user's cache.
            host: Name of a part of the machine that counts as a host of its own; empty for the machine.
            watched: Processes of the cluster on this host, whose CPU time is recorded beside each trial.
            locks: Directory of the host's lock; default: see ``lock_path``.
        """
        part = host or "host"
        self._root = (root or _cache()) / "slots" / part
        self._host, self._watched = host, (*watched, os.getpid())
        self._lock_file = lock_path(host, locks)
        self._lock: HostLock | None = None
        self._setup: Setup | None = None
        self._runner: subprocess.Popen[bytes] | None = None
        self._offer = ""
        self._asked = monotonic()
        self._root.mkdir(parents=True, exist_ok=True)
        self._take_lock()

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody has asked for so long that the keeper should leave; never while a block runs."""
        return monotonic() - self._asked > LEASE_S and not self._is_running()

    def handle(self, data: bytes) -> bytes:
        """Return the answer to a request; whatever goes wrong on this host is an answer, too."""
        self._asked = monotonic()
        try:
            return encode_answer(self._answer(decode(data, REQUEST)))
        except (TrialError, OSError, ValueError) as error:
            return encode_answer(Refused(reason=f"{type(error).__name__}: {error}"))

    def leave(self, *, forget: bool = False) -> None:
        """End the runner, and let the host go."""
        self._end(hard=True)
        if forget and self._setup is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._setup = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _answer(self, request: Request) -> Answer:
        match request:
            case DescribeRequest():
                return self._describe()
            case SetUpRequest():
                self._set_up(request.setup)
            case OfferRequest():
                self._let_go(request.acknowledged)
                self._take(request.offer)
                return self._piece(request.offer.offer_id, 0, request.limit, request.wait_s)
            case PullRequest():
                return self._piece(request.offer_id, request.offset, request.limit, request.wait_s)
            case AcknowledgeRequest():
                self._let_go(request.offer_id)
            case CancelRequest():
                self._end(hard=request.hard)
            case LeaveRequest():
                self.leave(forget=request.forget)
        return Done()

    def _describe(self) -> Description:
        refusal = self._take_lock()
        runs = {place.parent.name: place for place in self._root.glob(f"runs/*/{SPOOLS}")}
        node = os.uname().nodename
        return Description(
            host_id=read_host_id(name=f"{node}/{self._host}" if self._host else None),
            name=f"{node}/{self._host}" if self._host else node,
            fingerprint=read_fingerprint(os.environ),
            machine=read_machine().model_dump_json(),
            refusal=refusal,
            run_id="" if self._setup is None else self._setup.run_id,
            spools={run: tuple(sorted(one.name for one in place.iterdir())) for run, place in runs.items()},
        )

    def _take_lock(self) -> str:
        """Take the host's lock unless it is there; return why it cannot be had, empty where it is."""
        try:
            self._lock = self._lock or HostLock(self._lock_file)
        except TrialError as error:
            return str(error)
        return ""

    def _set_up(self, setup: Setup) -> None:
        if self._lock is None:
            raise TrialError(self._take_lock() or "the lock of the host was let go; set up again")
        if setup == self._setup and (self._directory / SETUP).exists():
            return
        self._end(hard=True)
        self._setup = setup
        prune_runs(self._root / "runs", setup.run_id, time(), SPOOLS)
        study = self._directory / STUDY
        shutil.rmtree(study, ignore_errors=True)
        for place in (study, self._directory / OFFERS, self._directory / SPOOLS):
            place.mkdir(parents=True, exist_ok=True)
        for name, data in {STUDY_NAME: setup.study.encode(), **_decoded(setup.files)}.items():
            parts = PurePosixPath(name)
            if parts.is_absolute() or ".." in parts.parts:
                raise TrialError(f"{name}: a file of the study lies outside its directory")
            (study / parts).parent.mkdir(parents=True, exist_ok=True)
            (study / parts).write_bytes(data)
        if setup.builds:
            (self._directory / BUILDS_NAME).write_text(setup.builds, encoding="utf-8")
        (self._directory / SETUP).write_bytes(encode(setup))

    def _take(self, offer: Offer) -> None:
        if self._setup is None:
            raise TrialError("the slot is not set up; set it up first")
        if self._order(offer.offer_id).exists():
            return  # asked twice
        if self._is_running():
            raise TrialError(f"offer {self._offer} is still run; one at a time is")
        self._order(offer.offer_id).write_bytes(encode(offer))
        if self._runner is None or self._runner.poll() is not None:
            self._start()
        assert self._runner is not None and self._runner.stdin is not None
        self._offer = offer.offer_id
        self._runner.stdin.write(f"{offer.offer_id}\n".encode())
        self._runner.stdin.flush()

    def _piece(self, offer_id: str, offset: int, limit: int, wait_s: float) -> Chunk:
        """Wait until an offer comes to its end, for as long as is asked, so that the run hears of it at once.

        Returns:
            What its spool has then, from an offset on.
        """
        deadline = monotonic() + min(wait_s, LONGEST_WAIT_S)
        while self._is_running(offer_id) and monotonic() < deadline:
            sleep(CHECK_S)
        is_running, ending = self._is_running(offer_id), self._ending()  # before the spool is read
        return read_piece(self._spool(offer_id), offset, limit, is_running=is_running, ending=ending)

    def _let_go(self, offer_id: str) -> None:
        """Forget an offer whose records the run has."""
        if not offer_id:
            return
        if offer_id == self._offer:
            self._offer = ""
        self._spool(offer_id).unlink(missing_ok=True)
        self._order(offer_id).unlink(missing_ok=True)

    def _start(self) -> None:
        assert self._lock is not None
        log = self._directory / "runner.log"
        with log.open("ab") as output:
            self._runner = subprocess.Popen(
                interpreter("-m", RUNNER, str(self._directory), json.dumps(self._watched)),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=clean_environment(os.environ),
                cwd=self._directory,
                pass_fds=(self._lock.descriptor,),
                start_new_session=True,
            )

    def _is_running(self, offer_id: str = "") -> bool:
        """Return whether the runner is alive, and has an offer that has not come to its end; of a given one, that."""
        if self._runner is None or self._runner.poll() is not None or not self._offer:
            return False
        return (not offer_id or offer_id == self._offer) and not _has_ended(self._spool(self._offer))

    def _ending(self) -> str:
        code = None if self._runner is None else self._runner.poll()
        if code is None:
            return ""
        if code < 0:
            return f"its runner was ended by {signal.Signals(-code).name}"
        return f"its runner left with exit code {code}: {_last_line(self._directory / 'runner.log')}"

    def _end(self, *, hard: bool) -> None:
        """End the runner: at once and with all that it started, or as a user would."""
        runner = self._runner
        if runner is None or runner.poll() is not None:
            return
        runner.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        if hard:
            runner.wait(GRACE_S)  # what it forked is killed by the kernel: each asked to die with its parent

    @property
    def _directory(self) -> Path:
        if self._setup is None:
            raise TrialError("the slot is not set up; set it up first")
        return self._root / "runs" / self._setup.run_id

    def _spool(self, offer_id: str) -> Path:
        return self._place(SPOOLS, offer_id)

    def _order(self, offer_id: str) -> Path:
        return self._place(OFFERS, offer_id)

    def _place(self, kind: str, offer_id: str) -> Path:
        if not offer_id.isalnum():
            raise TrialError(f"'{offer_id}' is no id of an offer")
        return self._directory / kind / offer_id


def _has_ended(spool: Path) -> bool:
    try:
        with spool.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - len(LAST_BYTES)))
            return stream.read() == LAST_BYTES
    except FileNotFoundError:
        return False


def _decoded(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: b64decode(text) for name, text in files.items()}


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:300] if lines else "it printed nothing"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ablatrix"
