"""Forms of the register; the application's questions come from the rule file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django import forms

from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.registry import applications
from shugu.registry.applications import FIRST, FormField
from shugu.registry.judicial import DocumentField
from shugu.registry.lineage import Parent
from shugu.registry.operations import By, On, Operation, Writes, operations
from shugu.registry.queries import FilingView
from shugu.registry.submitting import REVIEWER_ROLE, VERIFIER_ROLE, open_register
from shugu.web.forms import FieldForm, words
from shugu.web.from_kernel import source_of

PREFIX = "form_"


def _question(field: FormField) -> forms.Field:
    common: dict[str, Any] = {"label": words(field.title), "required": field.required}
    if field.kind == "multi":
        choices = [(code, words(title)) for code, title in field.options]
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
    if field.kind == "number":
        return forms.RegexField(r"^[0-9]{1,15}$", widget=forms.TextInput(attrs={"inputmode": "numeric"}), **common)
    if field.kind in ("table", "flag"):
        options = [(code, words(title)) for code, title in field.options]
        return forms.ChoiceField(choices=options if field.required else [("", "—"), *options], **common)
    if field.kind == "date":
        return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), **common)
    widget = forms.Textarea(attrs={"rows": 3}) if field.kind == "text" else forms.TextInput()
    return forms.CharField(widget=widget, max_length=applications.TEXT_MAX, **common)


def application_form(
    register: str, object_kind: str, operation: str = FIRST, *, revising: bool = False, by_registrar: bool = False,
    principals: Mapping[int, str] | None = None, marks: Sequence[tuple[int, str]] = (),
) -> type[FieldForm]:  # fmt: skip
    """Title and rights where the operation says them, the rule file's questions; when new also who else is named.
    `principals`: for whom the organisation may act under a power of attorney; `marks`: what an operation may lift.
    Errors: NotFound, RegisterClosed."""
    _, procedure = open_register(register, operation)
    op = operations(applications.rules_of(register))[operation]
    fields = _said(register, op)
    questions = applications.form_fields(register, object_kind, operation)
    for question in questions:
        fields[PREFIX + question.id] = _question(question)
    if not revising:
        fields |= _others(op, table(procedure).party, by_registrar, principals or {}, marks)
    rules = applications.rules_of(register)
    sources = {
        "rights": source_of(rules.value(applications.register_named(register).rights)),
        **{PREFIX + q.id: source_of(q.source) for q in questions[:1]},
    }
    return type("ApplicationForm", (FieldForm,), {**fields, "sources": sources})


def _said(register: str, op: Operation) -> dict[str, Any]:
    """What the entry will say: all of it at first, what is to be another afterwards."""
    entering, changing = op.writes is Writes.ENTER, op.writes is Writes.AMEND
    fields: dict[str, Any] = {}
    if entering or changing or op.on is not On.ENTRY:
        fields["title"] = forms.CharField(
            label=words("名称", "Title"), max_length=applications.TITLE_MAX, required=not changing,
            help_text=words("不变更的不填", "leave empty to keep it") if changing else "",
        )  # fmt: skip
    if entering or changing or op.writes is Writes.ENCUMBER:
        rights = [(code, words(title)) for code, title in applications.right_codes(register).items()]
        fields["rights"] = forms.MultipleChoiceField(
            label=words("申请登记的权利", "Rights to be registered"), choices=rights, widget=forms.CheckboxSelectMultiple,
            required=entering,
        )  # fmt: skip
    return fields


def _others(
    op: Operation, roles: Collection[str], by_registrar: bool, principals: Mapping[int, str], marks: Sequence[tuple[int, str]]
) -> dict[str, Any]:
    number = words("单位编号或统一社会信用代码", "organisation number or unified social credit code")
    fields: dict[str, Any] = {}
    if op.on is On.ENTRY:
        fields["entry"] = forms.CharField(label=words("登记编号", "Entry number"), max_length=40)
    if op.writes in (Writes.ENTER, Writes.TRANSFER) and op.by is not By.COUNTERPARTY:
        fields["holders"] = forms.CharField(
            label=words("共有人及份额", "Co-holders and shares"), required=False, widget=forms.Textarea(attrs={"rows": 2}),
            help_text=words(
                "单独持有不填。共有的每行一家：单位编号或信用代码，空格，份额（整数），包括本单位。",
                "Leave empty for one holder. Else one a line: organisation number or credit code, a space, parts.",
            ),
        )  # fmt: skip
    if op.by is By.JOINT or (by_registrar and op.counterparty):
        fields["counterparty"] = forms.CharField(label=words("相对方", "Other side"), max_length=40, help_text=number)
    for name, role, zh, en in (
        ("reviewer", REVIEWER_ROLE, "第三方服务机构", "Third-party body"),
        ("verifier", VERIFIER_ROLE, "技术验证机构", "Body for technical verification"),
    ):
        if role in roles:
            fields[name] = forms.CharField(label=words(zh, en), max_length=40, help_text=number, required=False)
    if op.writes is Writes.ENTER:
        fields["lineage"] = forms.CharField(
            label=words("来源谱系", "Lineage"), required=False, widget=forms.Textarea(attrs={"rows": 2}),
            help_text=words(
                "由其他登记或数据加工而来的，每行一个：登记编号或来源名称 | 加工说明 | 贡献（万分之一）",
                "If made from other data, one a line: entry number or source | processing | part in ten thousand",
            ),
        )  # fmt: skip
    if marks:
        choices = [("", "—"), *((str(pk), told) for pk, told in marks)]
        fields["mark"] = forms.ChoiceField(label=words("拟注销的记载", "Note to be lifted"), choices=choices, required=False)
    if principals:
        who = [("", words("本单位", "our own organisation")), *((str(pk), name) for pk, name in principals.items())]
        fields["principal"] = forms.ChoiceField(label=words("代为申请", "On behalf of"), choices=who, required=False)
    return fields


def lineage_named(text: str) -> tuple[Parent, ...]:
    """Errors: InputInvalid."""
    out = []
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        name, processing, parts = (part.strip() for part in (*line.split("|"), "", "")[:3])
        if parts and not parts.isdecimal():
            problem = (f"“{line}”的贡献应为整数", f"the part in “{line}” should be a whole number")
            raise InputInvalid(fields="lineage", field_errors={"lineage": problem})
        inside = name.startswith("ENT-")
        out.append(Parent(name if inside else "", "" if inside else name, processing, int(parts or 0)))
    return tuple(out)


def answers(cleaned: dict[str, Any]) -> dict[str, str]:
    """The rule file's questions with their answers, empty ones left out."""
    given = {name.removeprefix(PREFIX): value for name, value in cleaned.items() if name.startswith(PREFIX)}
    return {n: _answer(v) for n, v in given.items() if v not in (None, "", [])}


def _answer(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


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


def initial_answers(filing: FilingView) -> dict[str, Any]:
    """The answers given before, as the form's fields take them."""
    fields = applications.form_fields(filing.register, filing.object_kind, filing.operation)
    multi = {f.id for f in fields if f.kind == "multi"}
    return {f"{PREFIX}{n}": a.split(",") if n in multi else a for n, a in filing.form.items()}


class AppealForm(FieldForm):
    statement = forms.CharField(
        label=words("理由", "Reasons"), widget=forms.Textarea(attrs={"rows": 6}), max_length=4000,
        help_text=words("由未参与原决定的人员复核，以一次为限。", "Looked at once more by somebody who did not decide."),
    )  # fmt: skip


class SendForm(FieldForm):
    note = forms.CharField(label=words("报送方式与回执", "How it was sent, and the receipt"), max_length=400)


class VerifyForm(FieldForm):
    file = forms.FileField(
        label=words("证书文件", "Certificate file"),
        help_text=words(
            "PDF、JSON 证书、封存文件或证据包（.zip），含他人转给您的",
            "PDF, JSON, sealed document or evidence package (.zip), also one sent to you",
        ),
    )


OBJECT = Text("登记对象", "Object of registration")


def query_document_form(fields: Sequence[DocumentField]) -> type[FieldForm]:
    """What the regime records of the document that entitles to a look."""
    asked: dict[str, Any] = {
        f.id: forms.FileField(label=words(f.title)) if f.is_copy else forms.CharField(label=words(f.title), max_length=300)
        for f in fields
    }
    return type("QueryDocumentForm", (FieldForm,), asked)
