"""A scratch home with its own embedded PostgreSQL (durability on) for one benchmark; removed afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_home(mode: str = "real", venue: str = "hangzhou") -> Iterator[Path]:
    """Django set up on an empty, migrated home. One per process: Django cannot be set up twice."""
    base = Path(tempfile.mkdtemp(prefix="shugu-bench-"))
    os.environ["SHUGU_HOME"] = str(base)
    os.environ["DJANGO_SETTINGS_MODULE"] = "shugu.settings"
    try:
        from shugu.kernel.home import Home, HomeConfig

        Home.from_environment().write_config(HomeConfig(venue=venue, mode=mode))
        from shugu.venue import prepare

        prepare()
        yield base
    finally:
        from django.db import connections

        connections.close_all()
        shutil.rmtree(base, ignore_errors=True)
