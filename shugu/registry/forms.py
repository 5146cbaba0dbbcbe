"""Forms of the register; the application's questions come from the rule file."""

from __future__ import annotations

from typing import Any

from django import forms

from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.registry import applications
from shugu.registry.applications import FormField
from shugu.registry.submitting import REVIEWER_ROLE, open_register
from shugu.web.forms import FieldForm, words
from shugu.web.from_kernel import source_of

PREFIX = "form_"


def _question(field: FormField) -> forms.Field:
    common: dict[str, Any] = {"label": words(field.title), "required": field.required}
    if field.kind == "table":
        options = [(code, words(title)) for code, title in field.options]
        return forms.ChoiceField(choices=options if field.required else [("", "—"), *options], **common)
    if field.kind == "date":
        return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), **common)
    widget = forms.Textarea(attrs={"rows": 3}) if field.kind == "text" else forms.TextInput()
    return forms.CharField(widget=widget, max_length=applications.TEXT_MAX, **common)


def application_form(register: str, object_kind: str, *, revising: bool = False) -> type[FieldForm]:
    """Title, rights, the rule file's questions; when new also co-holders and, where the procedure has one, the
    third-party body. Errors: NotFound, RegisterClosed."""
    _, procedure = open_register(register, "first")
    rights = [(code, words(title)) for code, title in applications.right_codes(register).items()]
    rules = applications.rules_of(register)
    fields: dict[str, Any] = {
        "title": forms.CharField(label=words("名称", "Title"), max_length=applications.TITLE_MAX),
        "rights": forms.MultipleChoiceField(
            label=words("申请登记的权利", "Rights to be registered"), choices=rights, widget=forms.CheckboxSelectMultiple
        ),
    }
    questions = applications.form_fields(register, object_kind)
    for question in questions:
        fields[PREFIX + question.id] = _question(question)
    if not revising:
        fields["holders"] = forms.CharField(
            label=words("共有人及份额", "Co-holders and shares"), required=False, widget=forms.Textarea(attrs={"rows": 2}),
            help_text=words(
                "单独持有不填。共有的每行一家：单位编号或信用代码，空格，份额（整数），包括本单位。",
                "Leave empty when you hold alone. Else one a line: organisation number or credit code, a space, parts.",
            ),
        )
        if REVIEWER_ROLE in table(procedure).party:
            fields["reviewer"] = forms.CharField(
                label=words("第三方服务机构", "Third-party body"), max_length=40,
                help_text=words("单位编号或统一社会信用代码", "organisation number or unified social credit code"),
            )
    sources = {
        "rights": source_of(rules.value(applications.register_named(register).rights)),
        **{PREFIX + q.id: source_of(q.source) for q in questions[:1]},
    }
    return type("ApplicationForm", (FieldForm,), {**fields, "sources": sources})


def answers(cleaned: dict[str, Any]) -> dict[str, str]:
    """The rule file's questions with their answers, empty ones left out."""
    given = {name.removeprefix(PREFIX): value for name, value in cleaned.items() if name.startswith(PREFIX)}
    return {n: v.isoformat() if hasattr(v, "isoformat") else str(v) for n, v in given.items() if v not in (None, "")}


def organisation_named(text: str, field: str) -> int:
    """By number or credit code. Errors: InputInvalid beside the field."""
    for find in (parties.organisation_by_number, parties.organisation_by_uscc):
        try:
            return find(text.strip()).id
        except NotFound:
            continue
    raise InputInvalid(fields=field, field_errors={field: (f"没有单位 {text}", f"no organisation {text}")})


def holders_named(text: str) -> tuple[tuple[int, int], ...]:
    """Errors: InputInvalid."""
    out = []
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        name, _, parts = line.rpartition(" ")
        if not name or not parts.isdecimal():
            problem = (f"“{line}”应为“单位 份额”", f"“{line}” should be “organisation parts”")
            raise InputInvalid(fields="holders", field_errors={"holders": problem})
        out.append((organisation_named(name, "holders"), int(parts)))
    return tuple(out)


def objection_form(register: str) -> type[FieldForm]:
    grounds = applications.code_table(applications.rules_of(register), "registry.objection_grounds")
    fields: dict[str, Any] = {
        "ground": forms.ChoiceField(label=words("异议理由", "Ground"), choices=[(c, words(t)) for c, t in grounds.items()]),
        "statement": forms.CharField(
            label=words("事实与说明", "Facts and statement"), widget=forms.Textarea(attrs={"rows": 5}), max_length=4000
        ),
    }
    source = source_of(applications.rules_of(register).value("registry.repeat_objection_barred"))
    return type("ObjectionForm", (FieldForm,), {**fields, "sources": {"ground": source}})


class VerifyForm(FieldForm):
    file = forms.FileField(
        label=words("证书文件", "Certificate file"),
        help_text=words("JSON 证书或封存文件，含他人转给您的", "a JSON certificate or sealed document, also one sent to you"),
    )


OBJECT = Text("登记对象", "Object of registration")
