"""The shell alone, without the seats, the sessions and the pages of other apps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from shugu.kernel import runtime
from shugu.kernel.home import Home, HomeConfig
from shugu.web import navigation, slots


@pytest.fixture(autouse=True)
def _site(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = "shugu.web.tests.site_urls"
    settings.MIDDLEWARE = [
        "shugu.web.language.LanguageMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "shugu.web.refusals.RefusalMiddleware",
    ]
    settings.DEBUG = True
    with translation.override("zh-hans"):
        yield


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    """What a test registers is gone after it; what other apps registered does not disturb it."""
    kept = (navigation._ITEMS[:], navigation._SEARCH[:], slots._FILLINGS[:])
    for registry in (navigation._ITEMS, navigation._SEARCH, slots._FILLINGS):
        del registry[:]
    yield
    navigation._ITEMS[:], navigation._SEARCH[:], slots._FILLINGS[:] = kept


@pytest.fixture()
def visitor() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture()
def demo_home(tmp_path: Path, settings: Any) -> Iterator[Home]:
    home = Home(path=tmp_path, port=1)
    home.write_config(HomeConfig(mode="demo"))
    settings.HOME = home
    runtime.forget()
    yield home
    runtime.forget()
