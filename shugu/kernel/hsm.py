"""Ed25519 keys in a hardware module, over PKCS#11 (v3.0, mechanisms CKM_EC_EDWARDS_KEY_PAIR_GEN and CKM_EDDSA).

Keys are made inside, cannot be taken out, and are found by their public point under the configured label. Module, token
and label stand in home.toml; the PIN in a file outside the home. SM2 over PKCS#11 has no common mechanism: every vendor of
a GM/T 0018 device numbers its own, so SM2 keys stay in the software store.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from shugu.formats.suites import INTL, VerifyKey
from shugu.kernel import runtime
from shugu.kernel.errors import KeyUnavailable, StoreCannot

PIN_FILE = "SHUGU_HSM_PIN_FILE"
_OPEN: dict[tuple[int, str, str], _Token] = {}
_MAKING = threading.Lock()


def configured() -> bool:
    return bool(runtime.home().config.hsm_module)


def pin_file() -> Path | None:
    named = os.environ.get(PIN_FILE)
    if named:
        return Path(named)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    given = Path(credentials) / "shugu-hsm-pin" if credentials else None
    return given if given is not None and given.is_file() else None


def _pin() -> str:
    file = pin_file()
    if file is None:
        why = ("没有 PIN：设 SHUGU_HSM_PIN_FILE 或 systemd 凭据 shugu-hsm-pin", "no PIN: set SHUGU_HSM_PIN_FILE")
        raise KeyUnavailable(key="HSM", why=why)
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise KeyUnavailable(key="HSM", why=("PIN 文件读不到", f"no PIN: {error.strerror}")) from error


@dataclass
class _Token:
    """One session of this process; PKCS#11 sessions are used by one thread at a time."""

    session: Any
    lock: threading.Lock = field(default_factory=threading.Lock)


def _token() -> _Token:
    """Errors: StoreCannot without configuration or the library, KeyUnavailable when the token does not open."""
    config = runtime.home().config
    if not config.hsm_module or not config.hsm_token:
        raise StoreCannot(why=("home.toml 没有 hsm_module 和 hsm_token", "home.toml names no hsm_module and hsm_token"))
    if find_spec("pkcs11") is None:
        why = ("没有安装 python-pkcs11（pip install '.[hsm]'）", "python-pkcs11 is missing (pip install '.[hsm]')")
        raise StoreCannot(why=why)
    import pkcs11

    name = (os.getpid(), config.hsm_module, config.hsm_token)  # a forked process needs a session of its own
    with _MAKING:
        if name not in _OPEN:
            try:
                token = pkcs11.lib(config.hsm_module).get_token(token_label=config.hsm_token)
                _OPEN[name] = _Token(token.open(rw=True, user_pin=_pin()))
            except (pkcs11.PKCS11Error, OSError, RuntimeError) as error:
                why = (f"打不开令牌 {config.hsm_token}", f"the token {config.hsm_token} does not open ({_said(error)})")
                raise KeyUnavailable(key="HSM", why=why) from error
        return _OPEN[name]


def _said(error: BaseException) -> str:
    return f"{type(error).__name__} {error}".strip()


def _drop(token: _Token) -> None:
    import pkcs11

    with _MAKING:
        for name in [n for n, held in _OPEN.items() if held is token]:
            del _OPEN[name]
        with contextlib.suppress(pkcs11.PKCS11Error):  # it may be closed already, with the module that it was of
            token.session.close()


def reach() -> None:
    """Opens the token once, for whoever asks whether it can be used. Errors: StoreCannot, KeyUnavailable."""
    _token()


@dataclass(frozen=True)
class HsmKey:
    """A key that signs inside the module."""

    verify_key: VerifyKey

    @property
    def name(self) -> str:
        return self.verify_key.name

    @property
    def suite(self) -> Any:
        return self.verify_key.suite

    @property
    def key_id(self) -> str:
        return self.verify_key.key_id

    @property
    def method(self) -> str:
        return self.verify_key.method

    def sign(self, message: bytes) -> bytes:
        """64 bytes. A session that broke is opened anew once. Errors: KeyUnavailable."""
        import pkcs11

        for again in (True, False):
            token = _token()
            try:
                with token.lock:
                    private = _find(token.session, self.verify_key)
                    signature = bytes(private.sign(message, mechanism=pkcs11.Mechanism.EDDSA))
                break
            except pkcs11.PKCS11Error as error:
                _drop(token)
                if not again:
                    why = ("密码机拒绝签名", f"the HSM did not sign: {_said(error)}")
                    raise KeyUnavailable(key=self.key_id, why=why) from error
        self.verify_key.verify(message, signature)  # a module that errs must not spoil a checkpoint
        return signature


def _point(public: Any) -> bytes:
    """The 32 bytes of CKA_EC_POINT, with or without the DER octet string around them."""
    import pkcs11

    found = bytes(public[pkcs11.Attribute.EC_POINT])
    return found[2:] if len(found) == 34 and found[:2] == b"\x04\x20" else found


def _find(session: Any, wanted: VerifyKey) -> Any:
    import pkcs11

    label = runtime.home().config.hsm_key
    held = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY, pkcs11.Attribute.LABEL: label}
    for public in list(session.get_objects(held)):  # a session has one search at a time
        if _point(public) == wanted.public:
            private = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.ID: public[pkcs11.Attribute.ID]}
            for key in list(session.get_objects(private)):
                return key
    raise KeyUnavailable(key=wanted.key_id, why=("密码机中没有它", "the HSM does not have it"))


def open_key(wanted: VerifyKey) -> HsmKey:
    """Errors: KeyUnavailable when the module has no such key, StoreCannot for SM2."""
    _only_ed25519(wanted.suite.name)
    token = _token()
    with token.lock:
        _find(token.session, wanted)
    return HsmKey(wanted)


def _only_ed25519(suite_name: str) -> None:
    if suite_name != "intl":
        raise StoreCannot(
            why=(
                "PKCS#11 没有统一的 SM2 机制，各厂商自定；SM2 密钥请用软件库",
                "PKCS#11 has no common SM2 mechanism, each vendor numbers its own; keep SM2 keys in the software store",
            )
        )


def make(suite_name: str, name: str) -> HsmKey:
    """A fresh Ed25519 key inside the module, not extractable. Errors: StoreCannot, KeyUnavailable."""
    _only_ed25519(suite_name)
    token = _token()
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    curve = encode_named_curve_parameters("1.3.101.112")
    never = {pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True}
    try:
        with token.lock:
            domain = token.session.create_domain_parameters(
                pkcs11.KeyType.EC_EDWARDS, {pkcs11.Attribute.EC_PARAMS: curve}, local=True
            )
            public, _ = domain.generate_keypair(
                id=secrets.token_bytes(16), label=runtime.home().config.hsm_key, store=True,
                mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, private_template=never,
            )  # fmt: skip
            made = HsmKey(VerifyKey(name, INTL, _point(public)))
    except pkcs11.PKCS11Error as error:
        raise KeyUnavailable(key="HSM", why=("密码机不能生成密钥", f"the HSM made no key: {_said(error)}")) from error
    made.sign(b"shugu: does this key sign?")
    return made


def forget() -> None:
    """Close what this process holds (tests, another home)."""
    for token in list(_OPEN.values()):
        _drop(token)
