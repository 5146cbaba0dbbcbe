"""Every credential the venue signs is of a declared kind, which says how it can lose force or why it cannot."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

from shugu.formats import delivery, status_list
from shugu.formats.status import Flag
from shugu.kernel import credentials, signer
from shugu.kernel.credentials import Kind, one_type
from shugu.kernel.rules import load_profile
from shugu.kernel.text import Text

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
VENUES = [path.stem for path in sorted((ROOT / "shugu/rules/venues").glob("*.toml"))]
# Who may sign a credential's bytes without asking `signer.sign_document`: the signer itself, the writer of status lists,
# and the forms of what passes between venue and connector, whose types are a closed list checked below. The story of three
# venues plays a thief who signs what no venue would.
SIGNERS = {"shugu/kernel/signer.py", "shugu/kernel/status_lists.py", "shugu/federated/proving.py"}


def declared() -> set[str]:
    """Under the rules of any venue we ship."""
    rules = [load_profile(venue, NOW.date()) for venue in VENUES]
    return {name for kind in credentials.kinds() for rule in rules for name, _ in kind.types(rule)}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "shugu").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if "/tests/" not in name and "/migrations/" not in name and not name.startswith("shugu/formats/"):
            yield name, ast.parse(path.read_text())


def calls(tree: ast.Module, called: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if (isinstance(function, ast.Attribute) and function.attr == called) or (
                isinstance(function, ast.Name) and function.id == called
            ):
                yield node


def test_nothing_but_the_signer_signs_credentials() -> None:
    found = {name for name, tree in sources() if any(calls(tree, "sign_credential")) or any(calls(tree, "make_proof"))}
    assert found == SIGNERS


def test_every_type_that_is_signed_somewhere_is_declared() -> None:
    """Written out or by a module's constant; the few that are computed are refused when they are signed (below)."""
    known, seen = declared(), set()
    for name, tree in sources():
        module = name.removesuffix(".py").replace("/", ".")
        for call in (*calls(tree, "sign_document"), *calls(tree, "printed_values")):
            for argument in call.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    seen.add((name, argument.value))
                elif isinstance(argument, ast.Name) and argument.id.isupper():
                    seen.add((name, str(getattr(import_module(module), argument.id))))
    assert len(seen) > 15
    assert not {(name, kind) for name, kind in seen if kind not in known}
    assert not {kind.value for kind in delivery.Kind} - known
    assert status_list.TYPE in known


def test_no_type_is_declared_twice() -> None:
    for venue in VENUES:
        listed = [name for kind in credentials.kinds() for name, _ in kind.types(load_profile(venue, NOW.date()))]
        assert len(listed) == len(set(listed)), venue


@pytest.mark.django_db
def test_an_undeclared_type_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="no app declares"):
        signer.sign_document("Invented", number="X-1", subject={}, now=NOW)


@pytest.mark.django_db
def test_what_can_lose_force_is_not_signed_without_a_seat_and_nothing_else_has_one() -> None:
    from shugu.kernel import status

    with pytest.raises(ValueError, match="a seat"):
        signer.sign_document("DataTransactionVoucher", number="X-1", subject={}, now=NOW)
    with pytest.raises(ValueError, match="a seat"):
        signer.sign_document("RegisterReport", number="X-1", subject={}, now=NOW, status=status.allot(Flag.REVOKED))


def test_a_kind_says_what_can_happen_or_why_nothing_can_never_both_or_neither() -> None:
    types = one_type("Invented", "虚构", "invented")
    with pytest.raises(ValueError):
        Kind(name="x", app="x", types=types, subject=(), where=())
    with pytest.raises(ValueError):
        Kind(name="x", app="x", types=types, subject=(), where=(), flags=Flag.REVOKED, lasting=Text("否", "no"))
    for kind in credentials.kinds():
        assert kind.lasting is None or (len(kind.lasting.zh) > 10 and len(kind.lasting.en) > 20), kind.name
        assert kind.where and all(where.startswith("/") for where in kind.where), kind.name
