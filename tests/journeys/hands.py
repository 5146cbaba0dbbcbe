"""A person at a browser: signs in, types, uploads, clicks; every page is watched for script errors and overflow."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

NARROW = {"width": 375, "height": 800}
WIDE = {"width": 1280, "height": 900}
PAPER = b"%PDF-1.4\n% filed in a journey: "


@dataclass
class Hands:
    """`faults` collects what a visitor would meet as a defect: console errors, failing requests, other hosts."""

    url: str
    page: Page
    faults: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, url: str, **context: object) -> Hands:
        page = browser.new_context(viewport=WIDE, locale="zh-CN", accept_downloads=True, **context).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(8_000)
        hands = cls(url, page)
        page.on("console", hands._heard)
        page.on("pageerror", lambda error: hands.faults.append(f"{page.url}: {error}"))
        page.on("response", hands._answered)
        return hands

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{self.page.url}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 or urlsplit(response.url).netloc not in (urlsplit(self.url).netloc, ""):
            self.faults.append(f"{response.status} {response.url}")

    def go(self, path: str) -> Hands:
        self.page.goto(urljoin(self.url, path))
        return self

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def number(self) -> str:
        """The number in the address of the present page."""
        return self.path.strip("/").split("/")[1]

    def sign_in(self, login: str, password: str) -> Hands:
        self.go("/sign-in/").fill({"login": login, "password": password}).press("登录", "main")
        expect(self.page.locator(".seat-person")).to_be_visible()
        return self

    def fill(self, given: Mapping[str, str | list[str] | bool | Path]) -> Hands:
        """Into fields by name: text, choice, ticks (a list of values), a single tick, a file."""
        for name, value in given.items():
            fields = self.page.locator(f"main [name={name}]")
            if isinstance(value, list):
                for one in fields.all():
                    one.set_checked(one.get_attribute("value") in value)
            elif isinstance(value, bool):
                fields.set_checked(value)
            elif isinstance(value, Path):
                fields.set_input_files(value)
            elif fields.first.get_attribute("type") == "radio":
                self.page.locator(f"main [name={name}][value='{value}']").check()
            elif fields.first.evaluate("e => e.tagName") == "SELECT":
                fields.select_option(value)
            else:
                fields.fill(value)
        return self

    def press(self, text: str, within: str = "body") -> Hands:
        """The button or link with exactly this text."""
        place = self.page.locator(within)
        exact = re.compile(rf"^\s*{re.escape(text)}\s*$")
        place.get_by_role("button", name=exact).or_(place.get_by_role("link", name=exact)).first.click()
        self.page.wait_for_load_state()
        return self

    def act(self, name: str, given: Mapping[str, str | list[str] | bool | Path] | None = None) -> Hands:
        """An act offered on the page, through its form where it has one."""
        chosen = self.page.locator(f"[data-act={name}]:not(li)").first
        asks = chosen.evaluate("e => e.tagName") == "A"
        chosen.click()
        self.page.wait_for_load_state()
        if asks:
            self.fill(given or {}).submit()
        return self

    def submit(self) -> Hands:
        self.page.locator("main form button.primary").last.click()
        self.page.wait_for_load_state()
        return self

    def upload(self, *materials: str) -> Hands:
        """Every named material on the page of a case."""
        for material in materials:
            form = self.page.locator(f"form[action$='/materials/{material}/']")
            paper = {"name": f"{material}.pdf", "mimeType": "application/pdf", "buffer": PAPER + material.encode()}
            form.locator("input[type=file]").set_input_files(paper)  # type: ignore[arg-type]
            form.locator("button").click()
            self.page.wait_for_load_state()
        return self

    def case(self, title: str = "") -> Hands:
        """From the desk into the first case (whose title has these words)."""
        self.go("/desk/")
        rows = self.page.locator("main table tbody tr")
        (rows.filter(has_text=title) if title else rows).first.locator("a").first.click()
        self.page.wait_for_load_state()
        return self

    def open_row(self, text: str) -> Hands:
        """The first link of the table row that holds the text."""
        self.page.locator("main table tbody tr").filter(has_text=text).first.locator("a").first.click()
        self.page.wait_for_load_state()
        return self

    def sees(self, *texts: str) -> Hands:
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text)
        return self

    def awaits(self, text: str, seconds: int = 20) -> Hands:
        """Looks at the page again until the text is there: something comes from another process."""
        deadline = time.monotonic() + seconds
        while text not in self.page.locator("body").inner_text():
            assert time.monotonic() < deadline, f"{text} did not appear on {self.page.url}"
            time.sleep(0.2)
            self.page.reload()
        return self

    def tab_to(self, selector: str, most: int = 60) -> Hands:
        """By the tabulator alone; what has the focus must be seen to have it."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                width = self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert width != "none", f"{selector} shows no focus"
                return self
        raise AssertionError(f"{selector} is not reached in {most} steps on {self.page.url}")

    def type(self, text: str) -> Hands:
        self.page.keyboard.type(text)
        return self

    def enter(self) -> Hands:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self

    def look(self, *, english: bool = False, shots: Path | None = None, name: str = "") -> Hands:
        """The page as it stands at 375 and 1280 pixels, and again in English: nothing may scroll sideways."""
        here = self.page.url.split("#")[0]
        for lang in ("zh", "en", "zh") if english or shots else ("zh",):
            if lang == "en" or "lang=en" in self.page.url:
                self.go(here + ("&" if "?" in here else "?") + f"lang={lang}")
                assert self.page.evaluate("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[lang]
            for size in (NARROW, WIDE):
                self.page.set_viewport_size(size)  # type: ignore[arg-type]
                wide, place = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
                assert wide <= place, f"{here} in {lang} scrolls sideways at {place}: {wide}"
                if shots is not None:
                    self.page.screenshot(path=shots / f"{name}-{lang}-{size['width']}.png", full_page=True)
        if shots is not None:
            self.page.emulate_media(color_scheme="dark")
            self.page.screenshot(path=shots / f"{name}-dark.png", full_page=True)
            self.page.emulate_media(color_scheme="light")
        return self
