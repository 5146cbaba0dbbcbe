"""Rules about the code itself; each says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = [ROOT / "shugu", ROOT / "connector"]
APPS = (
    "party", "registry", "appraisal", "catalogue", "market", "trade", "delivery", "settlement", "evidence", "supervision",
)  # fmt: skip
FORBIDDEN_NAMES = {"utils", "common", "manager", "managers", "impl", "extras", "helpers", "misc"}


def python_files(*, tests: bool = True) -> Iterator[Path]:
    for top in CODE:
        for path in sorted(top.rglob("*.py")):
            if "migrations" in path.parts or (not tests and "tests" in path.parts):
                continue
            yield path


def rel(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_files_stay_within_400_lines() -> None:
    """A file longer than this holds two ideas."""
    long = [rel(p) for p in python_files() if len(p.read_text("utf-8").splitlines()) > 400]
    assert not long


def test_functions_stay_within_60_lines() -> None:
    """A function longer than this cannot be checked at a glance."""
    long = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > 60:
                    long.append(f"{rel(path)}:{node.lineno} {node.name} {size}")
    assert not long


def test_templates_stay_within_150_lines() -> None:
    long = [rel(p) for p in (ROOT / "shugu").rglob("*.html") if len(p.read_text("utf-8").splitlines()) > 150]
    assert not long


def test_no_file_has_an_empty_name() -> None:
    """A module called utils has no subject, so everything drifts into it."""
    assert not [rel(p) for p in python_files() if p.stem in FORBIDDEN_NAMES]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("folder", ["shugu/formats", "shugu/measure", "connector"])
def test_pure_packages_do_not_know_django(folder: str) -> None:
    """The verifier and the data plane run where no database is."""
    bad = [
        f"{rel(p)}:{line} {name}"
        for p in (ROOT / folder).rglob("*.py")
        if "tests" not in p.parts
        for line, name in imports(p)
        if name.split(".")[0] == "django" or name.startswith(("shugu.kernel", "shugu.settings"))
    ]
    assert not bad


def test_the_connector_imports_formats_and_measure_only() -> None:
    allowed = ("shugu.formats", "shugu.measure", "shugu.__version__")
    bad = [
        f"{rel(p)}:{line} {name}"
        for p in (ROOT / "connector").rglob("*.py")
        for line, name in imports(p)
        if name.startswith("shugu.") and not name.startswith(allowed)
    ]
    assert not bad


def test_domain_modules_are_pure() -> None:
    """Hard thinking is tested without a database."""
    bad = [
        f"{rel(p)}:{line} {name}"
        for p in (ROOT / "shugu").rglob("domain*.py")
        for line, name in imports(p)
        if name.split(".")[0] == "django" or re.search(r"\.(models|services|queries|views)$", name)
    ]
    assert not bad


def test_apps_are_entered_by_their_doors_only() -> None:
    """Another app's models and domain may change freely behind services, queries and errors."""
    doors = ("services", "queries", "errors", "access")
    bad = []
    for app in APPS:
        for path in sorted((ROOT / "shugu" / app).rglob("*.py")):
            if "tests" in path.parts or "migrations" in path.parts:
                continue
            for line, name in imports(path):
                parts = name.split(".")
                if parts[0] == "shugu" and len(parts) > 2 and parts[1] in APPS and parts[1] != app and parts[2] not in doors:
                    bad.append(f"{rel(path)}:{line} {name}")
    assert not bad


WRITES = {"save", "create", "bulk_create", "bulk_update", "update_or_create", "get_or_create", "delete"}
WRITERS = {"services", "subscriptions", "jobs"}


def writers(app: str) -> set[str]:
    """services.py and, where it has been split by topic, the app's modules it imports its commands from."""
    source = ROOT / "shugu" / app / "services.py"
    if not source.exists():
        return WRITERS
    own = {name.split(".")[2] for _, name in imports(source) if name.startswith(f"shugu.{app}.") and name.count(".") >= 2}
    return WRITERS | (own - {"queries", "domain", "models", "errors", "views", "api", "forms"})


def test_only_services_write_rows() -> None:
    """One writer a table: what may change is found in one place."""
    bad = []
    for app in APPS:
        for path in sorted((ROOT / "shugu" / app).glob("*.py")):
            if path.stem in writers(app):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                    source = ast.unparse(node.func)
                    if ".objects" in source or source.endswith(".save"):
                        bad.append(f"{rel(path)}:{node.lineno} {source}")
    assert not bad


def test_a_cases_state_is_written_by_the_engine_only() -> None:
    bad = []
    for path in python_files(tests=False):
        if path.parent.name == "kernel" and path.stem in ("store", "bulk"):
            continue  # the engine's own statements
        text = path.read_text("utf-8")
        for match in re.finditer(r"(case\w*\.state\s*=[^=]|UPDATE kernel_case\b|Case\.objects[^\n]*\.update\()", text):
            bad.append(f"{rel(path)}: {match.group(0)}")
    assert not bad


def test_only_the_clock_module_reads_the_clock() -> None:
    """Time comes in as `now`, so that every deadline can be tested to the second."""
    # Programs of their own, without a kernel: their command lines read the time.
    allowed = {"shugu/kernel/clock.py", "shugu/logtools/cli.py", "shugu/logtools/witness_server.py"}
    bad = []
    for path in python_files(tests=False):
        if rel(path) in allowed or rel(path).startswith("connector/"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                source = ast.unparse(node.func)
                if source in ("datetime.now", "datetime.utcnow", "timezone.now", "date.today", "time.time"):
                    bad.append(f"{rel(path)}:{node.lineno} {source}")
    assert not [b for b in bad if not b.startswith("shugu/verifier/cli.py")]


def test_money_is_never_a_float() -> None:
    bad = []
    for app in ("settlement", "trade", "market"):
        for path in sorted((ROOT / "shugu" / app).rglob("*.py")):
            if "tests" in path.parts:
                continue  # a test offers a fraction to see it refused
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, float):
                    bad.append(f"{rel(path)}:{node.lineno} {node.value}")
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
                    bad.append(f"{rel(path)}:{node.lineno} float()")
    assert not bad


def test_no_swallowed_exceptions() -> None:
    bad = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
            ):
                bad.append(f"{rel(path)}:{node.lineno}")
    assert not bad


def test_each_app_has_the_same_anatomy() -> None:
    """A reader who knows one app knows all."""
    folders = {"tests", "migrations", "templates", "procedures", "static", "__pycache__"}
    needed = ("README.md", "apps.py", "models.py", "services.py", "queries.py", "tests")
    strange, missing = [], []
    for app in APPS:
        folder = ROOT / "shugu" / app
        missing += [f"{app}/{name}" for name in needed if not (folder / name).exists()]
        # A module grown beyond 400 lines splits by topic; services.py stays the door that names every command.
        strange += [f"{app}/{i.name}" for i in folder.iterdir() if i.is_dir() and i.name not in folders]
        strange += [f"{app}/{i.name}" for i in folder.iterdir() if i.is_file() and i.suffix not in (".py", ".md")]
    assert not strange
    assert not missing


def test_no_machine_path_or_registry_host_is_committed() -> None:
    suspicious = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm)/|/tmp/[a-z]|pypi\.org/simple")
    bad = []
    for path in [*python_files(), ROOT / "Makefile", ROOT / "pyproject.toml", *(ROOT / "tests").rglob("*.sh")]:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if suspicious.search(line):
                bad.append(f"{rel(path)}:{number}")
    assert not bad
