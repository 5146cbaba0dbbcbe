"""The door for commands: applications (submitting.py, filings.py), the book (book.py), objections (objecting.py)."""

from __future__ import annotations

from shugu.registry.accounts import LookAtAccount, look_at_account
from shugu.registry.appeals import ActOnAppeal, FileAppeal, act_on_appeal, file_appeal
from shugu.registry.book import (
    DISPOSALS,
    LiftHold,
    PlaceHold,
    lift_hold,
    place_hold,
)
from shugu.registry.contacts import UpdateContact, update_contact
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
from shugu.registry.import_jobs import run_import, run_move
from shugu.registry.importing import (
    BeginImport,
    MoveImport,
    ResumeImport,
    begin_import,
    move_import,
    resume_import,
)
from shugu.registry.judicial import HandInDocument, hand_in_document
from shugu.registry.lineage import Parent
from shugu.registry.moving import (
    AnswerMove,
    AskMove,
    MoveView,
    RecallMove,
    ReceiveMove,
    answer_move,
    ask_move,
    move_of,
    moves,
    recall_move,
    receive_move,
    refusals,
)
from shugu.registry.objecting import ActOnObjection, FileObjection, act_on_objection, file_objection
from shugu.registry.objection_papers import certify
from shugu.registry.recognitions import (
    VOUCHERS,
    CheckRecognition,
    RecordRecognition,
    check_recognition,
    due_recognitions,
    recognitions_of,
    record_recognition,
)
from shugu.registry.reporting import SendReport, prepare_due, send_report
from shugu.registry.status import follow as follow_calendar
from shugu.registry.submitting import SubmitFiling, Upload, open_register, submit_filing
from shugu.registry.trades import RecordTrade, record_trade
from shugu.registry.windows import (
    ActOnWindow,
    AddWindowMaterial,
    SubmitWindow,
    act_on_window,
    add_window_material,
    submit_window,
)
from shugu.registry.writing import write_book
from shugu.registry.writing_many import write_book_many

__all__ = [
    "DISPOSALS",
    "VOUCHERS",
    "ActOnAppeal",
    "ActOnFiling",
    "ActOnObjection",
    "ActOnWindow",
    "AddMaterial",
    "AddWindowMaterial",
    "AnswerMove",
    "AskMove",
    "BeginImport",
    "CheckRecognition",
    "FileAppeal",
    "FileObjection",
    "HandInDocument",
    "LiftHold",
    "LookAtAccount",
    "LookAtFiling",
    "MoveImport",
    "MoveView",
    "Parent",
    "PlaceHold",
    "RecallMove",
    "ReceiveMove",
    "RecordRecognition",
    "RecordTrade",
    "ResumeImport",
    "ReviseFiling",
    "SendReport",
    "SubmitFiling",
    "SubmitWindow",
    "UpdateContact",
    "Upload",
    "act_on_appeal",
    "act_on_filing",
    "act_on_objection",
    "act_on_window",
    "add_material",
    "add_window_material",
    "answer_move",
    "ask_move",
    "begin_import",
    "certify",
    "check_recognition",
    "due_recognitions",
    "file_appeal",
    "file_objection",
    "follow_calendar",
    "hand_in_document",
    "lift_hold",
    "look_at_account",
    "look_at_filing",
    "move_import",
    "move_of",
    "moves",
    "open_register",
    "place_hold",
    "prepare_due",
    "recall_move",
    "receive_move",
    "recognitions_of",
    "record_recognition",
    "record_trade",
    "refusals",
    "resume_import",
    "revise_filing",
    "run_import",
    "run_move",
    "send_report",
    "submit_filing",
    "submit_window",
    "update_contact",
    "write_book",
    "write_book_many",
]  # fmt: skip
