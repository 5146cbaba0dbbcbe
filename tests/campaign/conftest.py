"""The campaigns' venue."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import schema
from tests.campaign.homes import Venue


@pytest.fixture()
def venue() -> Iterator[Venue]:
    # Not under pytest's own folder: every pytest that starts closes that to the embedded server's user.
    folder = Path(tempfile.mkdtemp(prefix="shugu-campaign-"))
    folder.chmod(0o755)
    venue = Venue(folder / "home")
    schema.copy_into(venue.path)
    venue.do("found")
    yield venue
    venue.close()
    shutil.rmtree(folder)
