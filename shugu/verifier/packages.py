"""Evidence packages at the command line: an archive or a folder with a manifest, and its checks in words."""

from __future__ import annotations

import zipfile
from pathlib import Path

from shugu.formats.checks import Outcome
from shugu.formats.errors import ShuguError
from shugu.formats.package import LIMIT, MANIFEST, TITLES, Finding, PackageReport, read_zip, verify_package
from shugu.formats.verify import Verifier


def is_folder(path: Path) -> bool:
    return path.is_dir() and (path / MANIFEST).is_file()


def is_archive(path: Path) -> bool:
    """Whether an archive found in a folder is meant to be a package."""
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def read(path: Path) -> dict[str, bytes]:
    """The files of a package, by name. Raises OSError, FormatError."""
    if not path.is_dir():
        return read_zip(path.read_bytes())
    found = [file for file in sorted(path.rglob("*")) if file.is_file()]
    if sum(file.stat().st_size for file in found) > LIMIT:
        raise OSError(f"{path}: more than {LIMIT} bytes")
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in found}


def verify(path: Path, verifier: Verifier) -> PackageReport:
    """Raises OSError; what the package holds ends in the report."""
    try:
        files = read(path)
    except ShuguError as error:
        why = (error.message("zh"), error.message("en"))
        first = Finding(1, TITLES[0], Outcome.FAILED, why)
        return PackageReport((first,), verifier.now)
    return verify_package(files, verifier.pins, verifier.now)
