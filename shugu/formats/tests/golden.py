"""Reads the golden files of `vectors/` and the script that makes them."""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

VECTORS = Path(__file__).resolve().parents[3] / "vectors"
AT = "2026-11-22T02:05:04Z"


def read(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def read_json(name: str) -> Any:
    return json.loads(read(name))


@lru_cache(maxsize=1)
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shugu_vectors_make", VECTORS / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
