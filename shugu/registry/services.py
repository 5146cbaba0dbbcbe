"""The door for commands: applications (filings.py), the account book (book.py), objections (objecting.py)."""

from __future__ import annotations

from shugu.registry.book import (
    DISPOSALS,
    LiftHold,
    PlaceHold,
    RecordTrade,
    lift_hold,
    place_hold,
    record_trade,
)
from shugu.registry.filings import (
    ActOnFiling,
    AddMaterial,
    LookAtFiling,
    ReviseFiling,
    SubmitFiling,
    Upload,
    act_on_filing,
    add_material,
    look_at_filing,
    open_register,
    revise_filing,
    submit_filing,
)
from shugu.registry.objecting import ActOnObjection, FileObjection, act_on_objection, file_objection

__all__ = [
    "DISPOSALS", "ActOnFiling", "ActOnObjection", "AddMaterial", "FileObjection", "LiftHold", "LookAtFiling", "PlaceHold",
    "RecordTrade", "ReviseFiling", "SubmitFiling", "Upload", "act_on_filing", "act_on_objection", "add_material",
    "file_objection", "lift_hold", "look_at_filing", "open_register", "place_hold", "record_trade", "revise_filing",
    "submit_filing",
]  # fmt: skip
