"""Asking witnesses over HTTP (C2SP tlog-witness): all at once, each within its time, none trusted for more than its line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

import httpx

from shugu.formats.cosignature import parse_cosignatures, verify_cosignature
from shugu.formats.errors import BadNote, BadSignature
from shugu.formats.note import Signature, parse_note
from shugu.formats.quorum import Witness
from shugu.formats.witnessing import SIZE_TYPE, Submission

Prove = Callable[[int], tuple[bytes, ...]]  # the consistency proof from an older size; Errors: ShuguError

CALL_SECONDS: Final = 2.0
MAX_ANSWER: Final = 64 * 1024
_MOST: Final = 16


@dataclass(frozen=True)
class Answered:
    """A witness's verified line, or the code of what went wrong (`cosigning.TROUBLES`)."""

    witness: Witness
    line: Signature | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Question:
    """What is to be cosigned: our signed note of `size` entries; `old` is what each witness is believed to have seen."""

    note: bytes
    size: int
    prove: Prove
    old: Callable[[Witness], int]


Enough = Callable[[Iterable[Answered]], bool]


def ask(question: Question, witnesses: Sequence[Witness], enough: Enough, seconds: float) -> list[Answered]:
    """The answers that came in until `enough` of them are there or the time is over. Whoever is late is left alone: it has
    moved on and says so when it is next asked."""
    answers: list[Answered] = []
    pool = ThreadPoolExecutor(min(_MOST, len(witnesses)), thread_name_prefix="witness")
    waiting: set[Future[Answered]] = {pool.submit(_ask_one, question, w, seconds) for w in witnesses}
    end = time.monotonic() + seconds
    try:
        while waiting and not enough(answers):
            done, waiting = wait(waiting, max(0.0, end - time.monotonic()), FIRST_COMPLETED)
            if not done:
                break
            answers += [each.result() for each in done]
        # Whoever answers at the same moment shall not be left out of the public note.
        done, _ = wait(waiting, 0.05) if waiting else (set(), set())
        answers += [each.result() for each in done]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    heard = {a.witness.name for a in answers}
    return answers + [Answered(w, trouble="timeout") for w in witnesses if w.name not in heard]


def _ask_one(question: Question, witness: Witness, seconds: float) -> Answered:
    if not witness.url:
        return Answered(witness, trouble="no-url")
    old = min(question.old(witness), question.size)
    try:
        with httpx.Client(timeout=min(seconds, CALL_SECONDS), follow_redirects=False, trust_env=False) as client:
            for _ in range(2):  # once more from where the witness says it stands
                answer = _post(client, witness, Submission(old, question.prove(old), question.note))
                if answer.status_code != 409:
                    return _judged(question, witness, answer)
                told = _told_size(answer)
                if told is None or told > question.size:
                    return Answered(witness, trouble="malformed" if told is None else "ahead")
                old = told
    except (httpx.HTTPError, httpx.InvalidURL):
        return Answered(witness, trouble="unreachable")
    return Answered(witness, trouble="conflict")


@dataclass(frozen=True)
class _Answer:
    status_code: int
    media_type: str
    body: bytes


def _post(client: httpx.Client, witness: Witness, submission: Submission) -> _Answer:
    """Errors: httpx.HTTPError, also for an answer that is too long or too slow."""
    url, end = f"{witness.url.rstrip('/')}/add-checkpoint", time.monotonic() + CALL_SECONDS
    with client.stream("POST", url, content=submission.encode(), headers={"Content-Type": "text/plain"}) as answer:
        body = b""
        for part in answer.iter_bytes():
            body += part
            if len(body) > MAX_ANSWER or time.monotonic() > end:
                raise httpx.ReadTimeout("the answer is too long or too slow")
        return _Answer(answer.status_code, answer.headers.get("content-type", ""), body)


def _told_size(answer: _Answer) -> int | None:
    text = answer.body.removesuffix(b"\n")
    whole = answer.media_type.partition(";")[0].strip() == SIZE_TYPE and text.isdigit() and len(text) < 20
    return int(text) if whole else None


def _judged(question: Question, witness: Witness, answer: _Answer) -> Answered:
    """The witness's own line among those it sent, verified; lines of unknown keys are ignored."""
    if answer.status_code != 200:
        return Answered(witness, trouble=_REFUSALS.get(answer.status_code, "refused"))
    text = parse_note(question.note).text
    try:
        lines = parse_cosignatures(answer.body)
        own = [s for s in lines if (s.name, s.id_bytes) == (witness.key.name, witness.key.id_bytes)]
        for line in own:
            verify_cosignature(text, line, witness.key)
    except BadNote:
        return Answered(witness, trouble="malformed")
    except BadSignature:
        return Answered(witness, trouble="bad-signature")
    return Answered(witness, own[0]) if own else Answered(witness, trouble="malformed")


_REFUSALS: Final = {404: "unknown-log", 403: "not-our-key", 422: "not-an-extension"}
