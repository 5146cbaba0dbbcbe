"""The home: one directory that holds all state of one installation, and what is configured there.

`home.toml` is written once by `shugu init` (or by the demonstration) and names the venue profile, the mode and
the cipher suite. A demonstration home is marked for ever: a real venue refuses to start on it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shugu.formats.errors import ShuguError


class HomeError(ShuguError):
    code = "home-unusable"
    status = 500
    sentence = ("运行目录 {path} 不可用：{why}。", "The home {path} cannot be used: {why}.")
    remedy = ("换用另一个 SHUGU_HOME，或运行 shugu init 新建。", "Choose another SHUGU_HOME, or create one with shugu init.")


class ConfigInvalid(HomeError):
    code = "home-config-invalid"
    sentence = ("配置文件 {path} 的 {key}：{why}。", "Configuration file {path}, {key}: {why}.")
    remedy = ("按 {known} 之一改正该项，或删去。", "Correct it (keys: {known}), or remove it.")


@dataclass(frozen=True)
class HomeConfig:
    """What home.toml says. mode: "real" or "demo". `connector_networks`: inner networks (CIDR) in which connectors of a
    real venue may stand, such as "10.20.0.0/16"; everywhere else only addresses of the open internet are called.
    `witness_policy`: the file, in the home, that says which witnesses must cosign checkpoints (C2SP tlog-policy).
    `log_store`: where the log's objects lie, such as "s3://bucket/prefix"; <home>/log without it (its options and
    secrets: <home>/log_store.toml).
    `keys_store`: where new signing keys are made, "software" or "pkcs11"; `hsm_*`: module, token and label of an HSM's keys
    (its PIN never stands here); `keys_passphrase_command`: a program whose output opens the key files.
    `tsa_url`: an outside time-stamping authority (RFC 3161) for printed documents; empty for the venue's own."""

    venue: str = "hangzhou"
    mode: str = "real"
    public_url: str = ""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    https: bool = False
    connector_networks: tuple[str, ...] = ()
    log_store: str = ""
    witness_policy: str = ""
    keys_store: str = "software"
    keys_passphrase_command: tuple[str, ...] = ()
    hsm_module: str = ""
    hsm_token: str = ""
    hsm_key: str = "shugu"
    tsa_url: str = ""


@dataclass(frozen=True)
class Home:
    path: Path
    port: int

    @classmethod
    def from_environment(cls) -> Home:
        """Errors: HomeError when the path cannot be made."""
        # pytest-django loads the settings before any conftest.py: the test home must be chosen here already.
        default = os.environ.get("SHUGU_TEST_HOME", "var/test") if os.environ.get("PYTEST_VERSION") else "var"
        path = Path(os.environ.get("SHUGU_HOME", default)).resolve()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(path=str(path), why=str(error)) from error
        asked = os.environ.get("SHUGU_PORT", "8000")
        if not (asked.isascii() and asked.isdecimal() and 0 < int(asked) < 65_536):
            raise HomeError(path=str(path), why=(f"SHUGU_PORT 不是端口号：{asked}", f"SHUGU_PORT is no port: {asked}"))
        return cls(path=path, port=int(asked))

    @property
    def config_file(self) -> Path:
        return self.path / "home.toml"

    @property
    def config(self) -> HomeConfig:
        """Errors: ConfigInvalid, which names file and key."""
        if not self.config_file.exists():
            return HomeConfig()
        try:
            raw = tomllib.loads(self.config_file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise self._invalid("*", f"不是 TOML（{error}）", f"it is not TOML ({error})") from error
        for key, value in raw.items():
            if key not in HomeConfig.__dataclass_fields__:
                raise self._invalid(key, "没有这个键", "there is no such key")
            wanted = type(getattr(HomeConfig, key))
            kind = list if wanted is tuple else wanted
            if type(value) is not kind or (kind is list and not all(isinstance(h, str) for h in value)):
                raise self._invalid(key, f"类型应为 {kind.__name__}", f"its type must be {kind.__name__}")
        if raw.get("mode", "real") not in ("real", "demo"):
            raise self._invalid("mode", "须为 real 或 demo", "it must be real or demo")
        if raw.get("keys_store", "software") not in ("software", "pkcs11"):
            raise self._invalid("keys_store", "须为 software 或 pkcs11", "it must be software or pkcs11")
        for key in ("hosts", "connector_networks", "keys_passphrase_command"):
            if key in raw:
                raw[key] = tuple(raw[key])
        for network in raw.get("connector_networks", ()):
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise self._invalid("connector_networks", f"{network} 不是网段", f"{network} is no network") from error
        return HomeConfig(**raw)

    def _invalid(self, key: str, zh: str, en: str) -> ConfigInvalid:
        known = ", ".join(HomeConfig.__dataclass_fields__)
        return ConfigInvalid(path=str(self.config_file), key=key, why=(zh, en), known=known)

    def write_config(self, config: HomeConfig) -> None:
        """Written once; a home never changes its mode (a shifted clock can never become a real one)."""
        if self.config_file.exists():
            if self.config.mode != config.mode:
                kind = {"real": "真实", "demo": "演示"}[self.config.mode]
                why = (f"它是{kind}场所的目录，不能改作他用", f"it is a {self.config.mode} home and stays one")
                raise HomeError(path=str(self.path), why=why)
            return
        lines = [
            f'venue = "{config.venue}"',
            f'mode = "{config.mode}"',
            f'public_url = "{config.public_url}"',
            "hosts = [" + ", ".join(f'"{h}"' for h in config.hosts) + "]",
            f"https = {'true' if config.https else 'false'}",
            "connector_networks = [" + ", ".join(f'"{n}"' for n in config.connector_networks) + "]",
            f'log_store = "{config.log_store}"',
            f'witness_policy = "{config.witness_policy}"',
        ]
        whole = self.config_file.with_suffix(".new")
        whole.write_text("\n".join(lines) + "\n", "utf-8")
        whole.replace(self.config_file)

    @property
    def demo(self) -> bool:
        return self.config.mode == "demo"

    @property
    def behind_https(self) -> bool:
        return self.config.https

    @property
    def public_url(self) -> str:
        return self.config.public_url or f"http://127.0.0.1:{self.port}"

    def allowed_hosts(self) -> list[str]:
        return [*self.config.hosts, "testserver"] if os.environ.get("PYTEST_VERSION") else list(self.config.hosts)

    def connector_networks(self) -> list[str]:
        """Inner networks connectors may be called in: those configured; on a demonstration's machine every private one."""
        loopback = ["127.0.0.0/8", "::1/128"]
        if self.demo:
            return [*loopback, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
        return [*self.config.connector_networks, *(loopback if os.environ.get("PYTEST_VERSION") else [])]

    def secret(self, name: str) -> str:
        """A random secret of this home, made on first use, readable by its owner only."""
        file = self.path / f"{name}.secret"
        if not file.exists():
            # Named only when whole: neither a crash nor a second process may ever read half a secret.
            descriptor, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}.")
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                handle.write(secrets.token_urlsafe(48))
                handle.flush()
                os.fsync(handle.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(temporary, file)
            os.unlink(temporary)
        return file.read_text("utf-8")

    def folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def database(self) -> dict[str, Any]:
        """Django's database entry: DATABASE_URL, or the embedded server's socket under this home."""
        url = os.environ.get("DATABASE_URL")
        if url:
            import dj_database_url

            entry: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=600))
        else:
            from shugu.kernel.embedded import address

            entry = {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "shugu",
                "USER": "postgres",
                "HOST": address(self.path / "postgres"),
                "CONN_MAX_AGE": 600,
            }
        # Server-side binding lets PostgreSQL reuse one plan for the engine's statements.
        entry.setdefault("OPTIONS", {})["server_side_binding"] = True
        # Django turns preparation off unless told; planning the engine's statements each time costs four times the rest.
        entry["OPTIONS"].setdefault("prepare_threshold", 5)
        entry["CONN_HEALTH_CHECKS"] = True
        return entry
