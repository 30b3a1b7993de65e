"""Slots: one protocol by which blocks run on other hosts and their records come back, none lost, none doubled."""

from pydantic import TypeAdapter

from ablatrix.trials.slots.book import SLOTS, OfferNote, SlotBook, SlotState, read_slot_states
from ablatrix.trials.slots.choose import FORMS, LOCAL, choose_field
from ablatrix.trials.slots.environment import leave_a_cpu, take_back_niceness
from ablatrix.trials.slots.fingerprint import choose_reference, difference_text, read_fingerprint, stratum_of
from ablatrix.trials.slots.host_lock import measuring_here
from ablatrix.trials.slots.keeper import OFFERS, SETUP, SPOOLS, STUDY, Keeper
from ablatrix.trials.slots.messages import (
    AcknowledgeRequest,
    Answer,
    CancelRequest,
    Chunk,
    DescribeRequest,
    Description,
    Done,
    Ended,
    Entry,
    Fingerprint,
    Kept,
    LeaveRequest,
    Offer,
    OfferRequest,
    Prepared,
    PullRequest,
    Refused,
    Request,
    Setup,
    SetUpRequest,
    Told,
    decode_answer,
    encode_answer,
    encode_entry,
)
from ablatrix.trials.slots.site import Field, Site, SlotLost, Transport
from ablatrix.trials.slots.spool import PIECE_BYTES, SpoolCopy, SpoolWriter

OFFER: TypeAdapter[Offer] = TypeAdapter(Offer)
SETUP_MESSAGE: TypeAdapter[Setup] = TypeAdapter(Setup)

__all__ = [
    "FORMS",
    "LOCAL",
    "OFFER",
    "OFFERS",
    "PIECE_BYTES",
    "SETUP",
    "SETUP_MESSAGE",
    "SLOTS",
    "SPOOLS",
    "STUDY",
    "AcknowledgeRequest",
    "Answer",
    "CancelRequest",
    "Chunk",
    "DescribeRequest",
    "Description",
    "Done",
    "Ended",
    "Entry",
    "Field",
    "Fingerprint",
    "Keeper",
    "Kept",
    "LeaveRequest",
    "Offer",
    "OfferNote",
    "OfferRequest",
    "Prepared",
    "PullRequest",
    "Refused",
    "Request",
    "SetUpRequest",
    "Setup",
    "Site",
    "SlotBook",
    "SlotLost",
    "SlotState",
    "SpoolCopy",
    "SpoolWriter",
    "Told",
    "Transport",
    "choose_field",
    "choose_reference",
    "decode_answer",
    "difference_text",
    "encode_answer",
    "encode_entry",
    "leave_a_cpu",
    "measuring_here",
    "read_fingerprint",
    "read_slot_states",
    "stratum_of",
    "take_back_niceness",
]  # fmt: skip
