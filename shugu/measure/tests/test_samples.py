"""The real data set: known sizes, deterministic bytes, and the known flaw in its weather."""

from __future__ import annotations

from pathlib import Path

import pytest

from shugu.measure import evaluate
from shugu.measure.samples import FLIGHTS, WEATHER, flights_source, weather_source, write_samples

from .tables import NOW


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("samples")
    write_samples(directory)
    return directory


def test_the_files_are_the_same_bytes_each_time(home: Path, tmp_path: Path) -> None:
    again = write_samples(tmp_path)
    assert all((home / path.name).read_bytes() == path.read_bytes() for path in again.values())


def test_flights_are_measured_as_they_are(home: Path) -> None:
    report = evaluate(flights_source(home), FLIGHTS, now=NOW)
    assert report.profile.rows == 336_776
    assert report.indicator("0303").a == 0
    assert report.indicator("0601").reason is not None
    tails = next(part for part in report.indicator("0102").parts if part.name.startswith("tailnum"))
    assert 0 < tails.a < tails.b == 336_776 - 2_512


def test_the_impossible_wind_of_the_weather_table_is_found(home: Path) -> None:
    report = evaluate(weather_source(home), WEATHER, now=NOW)
    wind = next(part for part in report.indicator("0305").parts if part.name == "wind_speed")
    assert (wind.a, report.profile.rows) == (1, 26_115)
