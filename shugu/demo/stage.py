"""What the story stands on: the demonstration clock, the provider's connector as a process of its own, the welcome."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from shugu.demo.cast import FIRMS, PASSWORD, ROLES, STAFF
from shugu.kernel import clock, founding, runtime, signer
from shugu.kernel.home import Home
from shugu.measure import Dictionary

CONNECTOR_NAME = "shuyuan-connector"
_BOOT_SECONDS = 20


def pass_time_until(moment: datetime) -> None:
    """Let the demonstration clock reach `moment` (never beyond the present)."""
    ahead = moment - clock.now()
    if ahead > timedelta():
        founding.advance_clock(ahead + timedelta(seconds=1))


def connector_home() -> Path:
    return runtime.home().path / "connector"


def connector_port() -> int:
    file = connector_home() / "port"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        wanted = runtime.home().port + 1
        file.write_text(str(wanted if _free(wanted) else _any_free()), "utf-8")
    return int(file.read_text("utf-8"))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connector_url() -> str:
    return f"http://127.0.0.1:{connector_port()}"


def connector_command() -> list[str]:
    """How the provider's connector is started: its own process, its own home, no Django."""
    return [
        sys.executable, "-m", "connector", "serve", "--home", str(connector_home()), "--port", str(connector_port()),
        "--demo-clock", str(founding.lag_file()),
    ]  # fmt: skip


def found_connector() -> list[str]:
    """Make the connector's home with fresh keys and the venue's pinned; its verifier keys."""
    from connector import home as connector

    connector.create(
        connector_home(), runtime.home().public_url, signer.keyring().text(), name=CONNECTOR_NAME, suite=runtime.suite()
    )
    return list(connector.load(connector_home()).well_known()["keys"])


def point_connector() -> bool:
    """The venue may have been started at another port than when the connector was made: its receipts go to where the venue
    is now. Whether anything changed. Errors: ShuguError of the connector when its home is not ready."""
    from connector import home as connector

    return connector.point_at(connector_home(), runtime.home().public_url)


def hold(product: str, file: Path, dictionary: Dictionary, related: dict[str, Path]) -> tuple[str, int]:
    """Put a file under the connector's care as the provider would, by its command line; (sha256, size)."""
    sheet = connector_home() / f"{file.stem}.dictionary.json"
    sheet.write_text(json.dumps(dictionary.as_dict(), ensure_ascii=False), "utf-8")
    command = [
        sys.executable, "-m", "connector", "add-product", "--home", str(connector_home()), "--product", product,
        "--file", str(file), "--dictionary", str(sheet),
    ]  # fmt: skip
    for name, path in related.items():
        command += ["--related", f"{name}={path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout)
    return str(held["sha256"]), int(held["size"])


@contextmanager
def connector_running() -> Iterator[str]:
    """The connector process for the length of the story; its address."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU_", "DJANGO_", "DATABASE_URL"))}
    process = subprocess.Popen(connector_command(), env=environment)
    try:
        deadline = time.monotonic() + _BOOT_SECONDS
        while not _healthy():
            assert process.poll() is None, "the connector ended while starting"
            assert time.monotonic() < deadline, "the connector did not answer in time"
            time.sleep(0.1)
        yield connector_url()
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _healthy() -> bool:
    try:
        return httpx.get(f"{connector_url()}/health", timeout=1, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def print_welcome(home: Home, started: float) -> None:
    """The address, who can sign in, and what to try."""
    address = f"http://127.0.0.1:{home.port}/"
    lines = [
        "", f"数谷示范场所已就绪（{time.monotonic() - started:.0f} 秒） / the demonstration venue is ready: {address}", "",
        f"登录名（密码均为 {PASSWORD}） / sign-in names (password {PASSWORD}):",
    ]  # fmt: skip
    for login in (*FIRMS, *STAFF):
        lines.append(f"  {login:<7}{ROLES[login].zh} / {ROLES[login].en}")
    lines += [
        "", "可以试试 / try:",
        f"  市场与搜索 / the market            {address}",
        f"  我的办件台 / my desk               {address}desk/",
        f"  核验证书 / verify a certificate    {address}verify/",
        f"  监管视图（sven） / supervision      {address}supervision/",
        f"  接口文档 / the API                 {address}api/docs",
        f"  存证日志 / the log                 {address}log/checkpoint",
        f"第一笔交易的全部文件 / files of the first trade: {home.path / 'demo-out'}",
        "Ctrl-C 停止，再次 make run 保留数据，make reset 清空。",
        "Ctrl-C stops; make run again keeps the data; make reset wipes it.",
        "",
    ]  # fmt: skip
    print("\n".join(lines), flush=True)
