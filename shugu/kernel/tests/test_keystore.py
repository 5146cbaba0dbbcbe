"""Key files and their passphrase; keys in a hardware module (SoftHSM2 where it is installed)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from shugu.formats.errors import BadKey
from shugu.formats.suites import SigningKey, generate
from shugu.kernel import hsm, keystore, runtime, signer
from shugu.kernel.errors import KeyUnavailable, StoreCannot
from shugu.kernel.home import Home, HomeConfig
from shugu.kernel.keystore import Place, Source

NAME = "venue.example/log"
MODULE = next((str(p) for p in Path("/usr/lib").glob("**/libsofthsm2.so")), "")
HAVE_HSM = bool(MODULE and shutil.which("softhsm2-util") and find_spec("pkcs11"))
needs_hsm = pytest.mark.skipif(not HAVE_HSM, reason="SKIPPED: SoftHSM2 or python-pkcs11 is not installed")


@pytest.fixture()
def home(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home of its own; `reconfigure` writes its home.toml anew."""
    settings.HOME = Home(tmp_path / "home", 8300)
    settings.HOME.path.mkdir()
    settings.HOME.write_config(HomeConfig(venue="hangzhou", mode="real"))
    for name in (keystore.PASSPHRASE_FILE, "CREDENTIALS_DIRECTORY", hsm.PIN_FILE):
        monkeypatch.delenv(name, raising=False)
    runtime.forget()
    signer.forget()
    yield settings.HOME
    signer.forget()
    runtime.forget()


def add(home: Home, line: str) -> None:
    home.config_file.write_text(home.config_file.read_text("utf-8") + line + "\n", "utf-8")


def warned() -> set[str | None]:
    return {m.id for m in run_checks(tags=["shugu"]) if (m.id or "").startswith(("shugu.W03", "shugu.E03"))}


@pytest.mark.parametrize("suite", ["intl", "sm"])
def test_a_key_file_is_encrypted_and_opens_again(home: Home, suite: str) -> None:
    key = keystore.make(suite, NAME, "software")
    file = keystore.folder() / f"{key.key_id}.pem"
    assert b"ENCRYPTED" in file.read_bytes() and file.stat().st_mode & 0o077 == 0
    again = keystore.open_key(key.verify_key)
    key.verify_key.verify(b"m", again.sign(b"m"))
    assert keystore.place_of(key.verify_key) is Place.FILE
    with pytest.raises(KeyUnavailable):
        keystore.open_key(generate(suite, NAME).verify_key)


def test_founding_keys_are_made_once_and_found_by_everybody(home: Home) -> None:
    first = keystore.founding(["intl", "sm"], NAME)
    assert keystore.founding(["intl", "sm"], NAME) == first
    assert [keystore.open_key(k).verify_key for k in first.keys] == list(first.keys)


def test_keys_of_a_home_from_before_there_was_a_history_are_its_founding_keys(home: Home) -> None:
    key = generate("intl", NAME)
    (keystore.folder() / "intl.pem").write_bytes(key.to_pem(home.secret("keys").encode()))
    assert keystore.founding(["intl"], NAME).keys == (key.verify_key,)
    assert keystore.open_key(key.verify_key).verify_key == key.verify_key


def test_the_passphrase_comes_from_outside_the_home_where_one_is_configured(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keystore.source() is Source.HOME and warned() == {"shugu.W031"}
    old = keystore.make("intl", NAME, "software")
    add(home, 'keys_passphrase_command = ["' + sys.executable + '", "-c", "print(\'correct horse battery\')"]')
    assert keystore.source() is Source.COMMAND and keystore.passphrase() == b"correct horse battery" and warned() == set()
    with pytest.raises(KeyUnavailable, match="rewrap"):
        keystore.open_key(old.verify_key)
    assert keystore.rewrap(home.secret("keys").encode()) == [f"{old.key_id}.pem"]
    assert keystore.open_key(old.verify_key).verify_key == old.verify_key
    with pytest.raises(BadKey):
        file = keystore.folder() / f"{old.key_id}.pem"
        SigningKey.from_pem(NAME, "intl", file.read_bytes(), home.secret("keys").encode())
    assert keystore.rewrap(home.secret("keys").encode()) == []  # nothing left to do
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "shugu-keys").write_text("from systemd's credential\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert keystore.source() is Source.CREDENTIAL and keystore.passphrase() == b"from systemd's credential"
    inside = home.path / "passphrase"
    inside.write_text("a file in the home")
    monkeypatch.setenv(keystore.PASSPHRASE_FILE, str(inside))
    assert keystore.source() is Source.FILE and warned() == {"shugu.W032"}


@pytest.mark.parametrize("given", ["short", None])
def test_a_configured_passphrase_that_fails_is_never_replaced_by_the_homes(
    home: Home, tmp_path: Path, given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "passphrase"
    if given is not None:
        file.write_text(given)
    monkeypatch.setenv(keystore.PASSPHRASE_FILE, str(file))
    with pytest.raises(KeyUnavailable):
        keystore.passphrase()
    assert "shugu.E030" in warned()


def test_a_command_that_fails_gives_no_passphrase(home: Home) -> None:
    add(home, 'keys_passphrase_command = ["/bin/false"]')
    with pytest.raises(KeyUnavailable):
        keystore.passphrase()


def test_rewrapping_changes_nothing_when_one_file_does_not_open(home: Home) -> None:
    mine = keystore.make("intl", NAME, "software")
    (keystore.folder() / "other.pem").write_bytes(generate("intl", NAME).to_pem(b"somebody else's"))
    before = (keystore.folder() / f"{mine.key_id}.pem").read_bytes()
    add(home, 'keys_passphrase_command = ["/bin/echo", "correct horse battery"]')
    with pytest.raises(KeyUnavailable):
        keystore.rewrap(home.secret("keys").encode())
    assert (keystore.folder() / f"{mine.key_id}.pem").read_bytes() == before


def test_without_configuration_there_is_no_hsm(home: Home) -> None:
    with pytest.raises(StoreCannot):
        keystore.make("intl", NAME, "pkcs11")
    with pytest.raises(StoreCannot):
        keystore.make("sm", NAME, "pkcs11")
    with pytest.raises(StoreCannot):
        keystore.make("intl", NAME, "cloud")


@pytest.fixture()
def module(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The home with a fresh SoftHSM2 token."""
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    label = "venue-token"
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "87654321", "--pin", "12345678"]
    subprocess.run(command, check=True, capture_output=True)
    pin = tmp_path / "pin"
    pin.write_text("12345678\n")
    monkeypatch.setenv(hsm.PIN_FILE, str(pin))
    add(home, f'hsm_module = "{MODULE}"\nhsm_token = "{label}"\nkeys_store = "pkcs11"')
    if find_spec("pkcs11"):
        import pkcs11

        pkcs11.lib(MODULE).reinitialize()  # the module read another token directory in an earlier test
    yield home
    hsm.forget()


@needs_hsm
def test_a_key_is_made_in_the_module_and_signs_there(module: Home) -> None:
    key = keystore.make("intl", NAME, "pkcs11")
    key.verify_key.verify(b"message", key.sign(b"message"))
    assert keystore.place_of(key.verify_key) is Place.HSM and not list(keystore.folder().glob("*.pem"))
    hsm.forget()
    again = keystore.open_key(key.verify_key)
    assert isinstance(again, hsm.HsmKey) and again.sign(b"message") == key.sign(b"message")
    second = keystore.make("intl", NAME, "pkcs11")
    assert second.verify_key != key.verify_key and keystore.open_key(key.verify_key).verify_key == key.verify_key
    with pytest.raises(StoreCannot, match="SM2"):
        keystore.make("sm", NAME, "pkcs11")
    with pytest.raises(KeyUnavailable):
        keystore.open_key(generate("intl", NAME).verify_key)


@needs_hsm
def test_the_private_key_cannot_be_taken_out(module: Home) -> None:
    import pkcs11

    keystore.make("intl", NAME, "pkcs11")
    token = hsm._token()
    (private,) = token.session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
    assert private[pkcs11.Attribute.EXTRACTABLE] is False and private[pkcs11.Attribute.SENSITIVE] is True
    with pytest.raises(pkcs11.PKCS11Error):
        private[pkcs11.Attribute.VALUE]


@needs_hsm
def test_a_venue_is_founded_with_its_key_in_the_module(module: Home) -> None:
    first = keystore.founding(["intl", "sm"], NAME)
    assert [keystore.place_of(k) for k in first.keys] == [Place.HSM, Place.FILE]
    assert keystore.founding(["intl", "sm"], NAME) == first


@needs_hsm
def test_a_wrong_pin_is_told_and_the_session_is_opened_anew(module: Home, tmp_path: Path) -> None:
    key = keystore.make("intl", NAME, "pkcs11")
    hsm._token().session.close()  # as when the module was pulled and put back
    key.verify_key.verify(b"m", key.sign(b"m"))
    hsm.forget()
    hsm.reach()
    hsm.forget()
    (tmp_path / "pin").write_text("00000000")
    for use in (hsm.reach, lambda: key.sign(b"m")):
        with pytest.raises(KeyUnavailable):
            use()


def test_unknown_stores_are_refused_in_the_configuration(home: Home) -> None:
    from shugu.kernel.home import ConfigInvalid

    add(home, 'keys_store = "cloud"')
    with pytest.raises(ConfigInvalid):
        replace(home).config  # noqa: B018 - reading it is the act
