"""What a run and the slots on its hosts say to each other: offer blocks, stream their spool, acknowledge, cancel.

A request has one answer, which waits for nothing but, for a few seconds, the end of an offer. Nothing is lost by asking
twice: an offer that was taken is taken, what was pulled can be pulled again, what was acknowledged is gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from ablatrix.errors import TrialError
from ablatrix.trials.messages import Message, decode, encode


@dataclass(frozen=True, kw_only=True)
class Fingerprint(Message):
    """What a host has that can change what is measured there.

    Attributes:
        python: Version with its patch level, implementation and compiler.
        packages: Version of each distribution that ablatrix and the compilers need, with the start of the digest of
            what its wheel installed.
        variables: Environment variables that matter, as a trial sees them there.
        source: Digest of ablatrix's own code.
        kernel: Release of the kernel.
        libc: Version of the C library.
        governor, turbo: Settings of the CPU's clock, None where the kernel does not tell.
        cpu, microcode: Model and microcode.
        smt: Whether cores run two threads, None where the kernel does not tell.
        cores: Number of CPUs of the host.
        memory_gib: Memory in GiB, rounded.
    """

    python: str
    packages: dict[str, str]
    variables: dict[str, str]
    source: str
    kernel: str
    libc: str
    governor: str | None
    turbo: bool | None
    cpu: str
    microcode: str | None
    smt: bool | None
    cores: int
    memory_gib: int


@dataclass(frozen=True, kw_only=True)
class Setup(Message):
    """What a slot needs before its first block.

    Attributes:
        run_id: The run's, the same after a restart.
        slot: Name of the slot.
        host_id: The host's id, as records have it.
        stratum: Of the host.
        study: Text of the study file.
        study_digest: The study's digest, which the slot's own reading must have.
        files: Files beside the study, by path there, base64.
        builds: Text of ``builds.json``, empty where the study compares no builds.
        study_commit, study_dirty: Git state of the study's own directory.
        keep_samples: Whether records name a file of raw samples.
    """

    run_id: str
    slot: str
    host_id: str
    stratum: str
    study: str
    study_digest: str
    files: dict[str, str]
    builds: str
    study_commit: str | None
    study_dirty: bool | None
    keep_samples: bool


@dataclass(frozen=True, kw_only=True)
class Offer(Message):
    """Blocks that belong together, to be run on one host.

    Attributes:
        offer_id: The offer's; a block that is offered again has another one.
        design: Text of the part of the design that has these blocks.
        attempts: Number of the first attempt of each trial: no other offer uses those that follow.
        budget_left_s: What is left of the study's time, None without a limit.
    """

    offer_id: str
    design: str
    attempts: dict[str, int]
    budget_left_s: float | None


@dataclass(frozen=True, kw_only=True)
class DescribeRequest(Message):
    """Say what the host has."""

    do: Literal["describe"] = "describe"


@dataclass(frozen=True, kw_only=True)
class SetUpRequest(Message):
    """Make ready for the blocks of a run."""

    setup: Setup
    do: Literal["set_up"] = "set_up"


@dataclass(frozen=True, kw_only=True)
class OfferRequest(Message):
    """Take blocks, begin to run them, and send what their spool has, as for a ``PullRequest`` from its beginning.

    ``acknowledged`` is as in ``AcknowledgeRequest``, empty for nothing.
    """

    offer: Offer
    acknowledged: str = ""
    limit: int = 0
    wait_s: float = 0.0
    do: Literal["offer"] = "offer"


@dataclass(frozen=True, kw_only=True)
class PullRequest(Message):
    """Send what the spool of an offer has from an offset on, at most ``limit`` bytes.

    While the offer runs, the answer may take ``wait_s`` seconds; it is there as soon as the offer comes to its end.
    """

    offer_id: str
    offset: int
    limit: int
    wait_s: float = 0.0
    do: Literal["pull"] = "pull"


@dataclass(frozen=True, kw_only=True)
class AcknowledgeRequest(Message):
    """The records of an offer are on the disk of the run: its spool may go."""

    offer_id: str
    do: Literal["acknowledge"] = "acknowledge"


@dataclass(frozen=True, kw_only=True)
class CancelRequest(Message):
    """End what is running: ``hard`` at once, else as a user would, so that it can say what it has."""

    hard: bool
    do: Literal["cancel"] = "cancel"


@dataclass(frozen=True, kw_only=True)
class LeaveRequest(Message):
    """End the runner and let the host go; ``forget`` also removes what the run left there."""

    forget: bool
    do: Literal["leave"] = "leave"


Request = (
    DescribeRequest | SetUpRequest | OfferRequest | PullRequest | AcknowledgeRequest | CancelRequest | LeaveRequest
)
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="do")])


@dataclass(frozen=True, kw_only=True)
class Description(Message):
    """What a host has.

    Attributes:
        host_id: The host's id, as records have it.
        name: Its name, for people.
        fingerprint: What can change what is measured there.
        machine: The machine as records have it, JSON.
        refusal: Why it can take no block now, empty where it can: another run holds it.
        run_id: The run that it is set up for, empty for none.
        spools: Offers of which a spool lies there, by run.
    """

    host_id: str
    name: str
    fingerprint: Fingerprint
    machine: str
    refusal: str
    run_id: str
    spools: dict[str, tuple[str, ...]]
    answer: Literal["description"] = "description"


@dataclass(frozen=True, kw_only=True)
class Chunk(Message):
    """A part of a spool.

    Attributes:
        offset: Where it begins.
        data: Its bytes.
        sha256: Of the bytes.
        is_running: Whether the offer was still being run when the spool was read.
        ending: How the runner ended, where it did; empty else.
    """

    offset: int
    data: bytes
    sha256: str
    is_running: bool
    ending: str
    answer: Literal["chunk"] = "chunk"


@dataclass(frozen=True, kw_only=True)
class Done(Message):
    """It is done."""

    answer: Literal["done"] = "done"


@dataclass(frozen=True, kw_only=True)
class Refused(Message):
    """It cannot be done."""

    reason: str
    answer: Literal["refused"] = "refused"


Answer = Description | Chunk | Done | Refused
ANSWER: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="answer")])


def encode_answer(answer: Answer) -> bytes:
    """Return an answer as JSON. The bytes of a piece stand behind it after a newline, which encoded JSON never has."""
    if isinstance(answer, Chunk):
        return encode(replace(answer, data=b"")) + b"\n" + answer.data
    return encode(answer)


def decode_answer(data: bytes) -> Answer:
    """Return the answer that bytes hold.

    Raises:
        TrialError: They hold none.
    """
    head, _, behind = data.partition(b"\n")
    answer: Answer = decode(head, ANSWER)
    return replace(answer, data=behind) if isinstance(answer, Chunk) else answer


@dataclass(frozen=True, kw_only=True)
class Prepared(Message):
    """The workloads of an offer are prepared on the host: digest of the program of each, by the workload's name."""

    programs: dict[str, str]
    kind: Literal["prepared"] = "prepared"


@dataclass(frozen=True, kw_only=True)
class Kept(Message):
    """The line of a record, newline included, and the line of its raw samples where it has any; both JSON."""

    record: str
    samples: str | None
    kind: Literal["kept"] = "kept"


@dataclass(frozen=True, kw_only=True)
class Told(Message):
    """Something that is worth a line, or what is being done now.

    Attributes:
        text: What is told.
        trial_id, cell_id: What it is about, empty for nothing in particular.
        is_notice: Whether it is worth a line by itself.
    """

    text: str
    trial_id: str
    cell_id: str
    is_notice: bool
    kind: Literal["told"] = "told"


@dataclass(frozen=True, kw_only=True)
class Ended(Message):
    """The offer came to its end: nothing follows.

    Attributes:
        how: ``done``: every trial has its lines; ``interrupted``: it was cancelled; ``failed``: the runner could not
            run it, ``message`` says why.
        message: Why.
    """

    how: Literal["done", "interrupted", "failed"]
    message: str
    kind: Literal["ended"] = "ended"


Entry = Prepared | Kept | Told | Ended
ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])
_KEPT = re.compile(rb'\{"size":(\d{1,9}),"record":')
_SAMPLES, _KEPT_END = b',"samples":', b',"kind":"kept"}'


def encode_entry(entry: Entry) -> bytes:
    """Return an entry as one line of JSON, without a newline.

    A record and its samples stand there as they are, with the number of the record's bytes before it: in a text each
    quotation mark would be escaped, which takes the run as long to undo as to read the record.
    """
    if not isinstance(entry, Kept):
        return encode(entry)
    record = entry.record.removesuffix("\n").encode()
    samples = b"null" if entry.samples is None else entry.samples.encode()
    return b'{"size":%d,"record":%b%b%b%b' % (len(record), record, _SAMPLES, samples, _KEPT_END)


def decode_entry(line: bytes) -> Entry:
    """Return the entry of a line.

    Raises:
        TrialError: It is none.
    """
    found = _KEPT.match(line)
    if found is None:
        return decode(line, ENTRY)
    end = found.end() + int(found[1])
    if not (line.startswith(_SAMPLES, end) and line.endswith(_KEPT_END)):
        raise TrialError(f"what was received is no record with its samples: {line[:100]!r}")
    record, samples = line[found.end() : end], line[end + len(_SAMPLES) : -len(_KEPT_END)]
    try:
        return Kept(record=record.decode() + "\n", samples=None if samples == b"null" else samples.decode())
    except UnicodeDecodeError as error:
        raise TrialError(f"what was received is no text: {error}") from None
