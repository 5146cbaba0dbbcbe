"""Wrong configuration cannot start: rules, procedures and foreign keys are checked with Django's system checks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Warning, register

from shugu.formats.errors import ShuguError

# The order of knowledge: an app may point only at itself and those before it.
ORDER = (
    "kernel", "web", "party", "registry", "appraisal", "catalogue", "market", "trade", "delivery",
    "settlement", "evidence", "supervision",
)  # fmt: skip


@register("shugu")
def check_procedures(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    from shugu.kernel.procedure import ProcedureError
    from shugu.kernel.tables import all_defects

    try:
        return [Error(d, hint="docs/procedures.md section 2", id="shugu.E010") for d in all_defects()]
    except ProcedureError as error:
        return [Error(str(error), hint="docs/procedures.md section 2", id="shugu.E011")]
    except ShuguError as error:
        return [Error(error.message("en"), hint=error.remedy_text("en"), id="shugu.E012")]


# How code asks for a value of the rules; a name put together at run time is not seen here.
_ASKED = re.compile(r"""\.value\(\s*"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"\s*\)""")


@register("shugu")
def check_rules_in_use(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every value the installed apps ask for is in the venue's rules, so that no page finds out later."""
    from shugu.kernel import clock, runtime
    from shugu.kernel.regimes import every_value
    from shugu.kernel.workdays import local_day

    try:
        rules = runtime.rules_on(local_day(clock.wall()))
    except ShuguError:
        return []  # check_procedures tells it
    # What only guards of other regimes ask for is looked up in theirs.
    elsewhere = {name for name, _ in every_value(local_day(clock.wall()))}
    registers: list[str | None] = [*(register.id for register in rules.profile.registers)] or [None]
    asked: dict[str, str] = {}
    for config in apps.get_app_configs():
        if config.name.startswith("shugu."):
            for path in sorted(Path(config.path).glob("*.py")):
                asked |= dict.fromkeys(_ASKED.findall(path.read_text("utf-8")), f"shugu/{config.label}/{path.name}")
    return [
        Error(
            f"shugu/rules/venues/{runtime.venue_id()}.toml: no value {name!r}, which {place} needs",
            hint="Add it to the venue profile, or choose a document that has it.",
            id="shugu.E013",
        )
        for name, place in sorted(asked.items())
        if name not in elsewhere and any(rules.get(name, register=register) is None for register in registers)
    ]


@register("shugu")
def check_key_custody(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Says where the passphrase of the key files comes from when that is no better than the home itself, and what cannot
    be read at all."""
    from shugu.kernel import hsm, keystore, runtime
    from shugu.kernel.errors import KeyUnavailable

    out: list[CheckMessage] = []
    hint = "docs/operating.md, Keys"
    try:
        keystore.passphrase()
    except KeyUnavailable as error:
        out.append(Error(error.message("en"), hint=error.remedy_text("en"), id="shugu.E030"))
    file = keystore.passphrase_file()
    if keystore.source() is keystore.Source.HOME and not runtime.demo():
        told = "the signing keys are encrypted with a secret that lies in the same home: whoever has the home has the keys"
        out.append(Warning(told, hint=hint, id="shugu.W031"))
    if file is not None and file.resolve().is_relative_to(runtime.home().path):
        out.append(Warning("the passphrase file of the signing keys lies inside the home", hint=hint, id="shugu.W032"))
    if hsm.configured() and hsm.pin_file() is None:
        out.append(Error("an HSM is configured, and no file with its PIN", hint=hint, id="shugu.E033"))
    return out


@register("shugu")
def check_foreign_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for config in apps.get_app_configs():
        if config.label not in ORDER or not config.name.startswith("shugu."):
            continue
        for model in config.get_models():
            for field in model._meta.get_fields():
                if not (field.is_relation and field.concrete and field.related_model):
                    continue
                other = field.related_model
                label = other._meta.app_label if not isinstance(other, str) else config.label
                if label == config.label or label not in ORDER:
                    continue
                if ORDER.index(label) > ORDER.index(config.label):
                    found.append(Error(f"{model.__name__}.{field.name} points at {label}, which comes later", id="shugu.E001"))
                elif not getattr(field.remote_field, "related_name", "").endswith("+"):
                    found.append(Error(f'{model.__name__}.{field.name} needs related_name="+"', id="shugu.E002"))
    return found
