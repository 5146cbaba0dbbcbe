"""The door for commands: applications (submitting.py, filings.py), the book (book.py), objections (objecting.py)."""

from __future__ import annotations

from shugu.registry.book import (
    DISPOSALS,
    LiftHold,
    PlaceHold,
    lift_hold,
    place_hold,
)
from shugu.registry.filings import (
    ActOnFiling,
    AddMaterial,
    LookAtFiling,
    ReviseFiling,
    act_on_filing,
    add_material,
    look_at_filing,
    revise_filing,
)
from shugu.registry.lineage import Parent
from shugu.registry.objecting import ActOnObjection, FileObjection, act_on_objection, file_objection
from shugu.registry.submitting import SubmitFiling, Upload, open_register, submit_filing
from shugu.registry.trades import RecordTrade, record_trade

__all__ = [
    "DISPOSALS",
    "ActOnFiling",
    "ActOnObjection",
    "AddMaterial",
    "FileObjection",
    "LiftHold",
    "LookAtFiling",
    "Parent",
    "PlaceHold",
    "RecordTrade",
    "ReviseFiling",
    "SubmitFiling",
    "Upload",
    "act_on_filing",
    "act_on_objection",
    "add_material",
    "file_objection",
    "lift_hold",
    "look_at_filing",
    "open_register",
    "place_hold",
    "record_trade",
    "revise_filing",
    "submit_filing",
]  # fmt: skip
