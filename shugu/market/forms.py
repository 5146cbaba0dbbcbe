"""Forms of the market: a demand, an offer, a purchase at the listed price."""

from __future__ import annotations

from typing import Any

from django import forms

from shugu.kernel import runtime
from shugu.kernel.text import Text
from shugu.market.offered import Offered
from shugu.market.pages import codes
from shugu.web.forms import FieldForm, words
from shugu.web.from_kernel import source_of


def _choices(rows: list[tuple[str, Text]], *, empty: bool = False) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [(code, words(title)) for code, title in rows]
    return [("", "—"), *found] if empty else found


def demand_form() -> type[FieldForm]:
    """The lists come from the rules in force."""
    fields: dict[str, Any] = {
        "title": forms.CharField(label=words("需要什么数据", "Data wanted"), max_length=200),
        "keywords": forms.CharField(
            label=words("关键词", "Keywords"), required=False, max_length=800,
            help_text=words("以空格、逗号或顿号分开", "separated by spaces or commas"),
        ),
        "industry": forms.ChoiceField(
            label=words("行业", "Industry"), required=False, choices=_choices(codes("catalogue.industries"), empty=True)
        ),
        "delivery_forms": forms.MultipleChoiceField(
            label=words("交付形式", "Delivery forms"), required=False, choices=_choices(codes("catalogue.delivery_forms")),
            widget=forms.CheckboxSelectMultiple,
        ),
        "purpose": forms.ChoiceField(label=words("用途", "Purpose"), choices=_choices(codes("catalogue.purposes"))),
        "price_cap": forms.CharField(
            label=words("预算上限（元）", "Budget (CNY)"), required=False, max_length=24,
            help_text=words("精确到分，不填为不限", "to the fen; empty for no limit"),
        ),
        "quality_min": forms.IntegerField(
            label=words("质量总分不低于（%）", "Overall quality at least (%)"), required=False, min_value=1, max_value=100
        ),
        "fresh_days": forms.IntegerField(label=words("几天内更新", "Updated within (days)"), required=False, min_value=1),
        "summary": forms.CharField(
            label=words("说明", "Details"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
        ),
    }  # fmt: skip
    source = source_of(runtime.rules().value("market.demand_validity"))
    return type("DemandForm", (FieldForm,), {**fields, "sources": {"title": source}})


def offer_form(item: Offered, *, priced: bool) -> type[FieldForm]:
    """Terms within the licence of this version; `priced` asks for a price, a purchase at the listed price does not."""
    wanted = [c for c in codes("catalogue.purposes") if not item.purposes or c[0] in item.purposes]
    shapes = [c for c in codes("catalogue.delivery_forms") if c[0] in item.delivery_forms]
    fields: dict[str, Any] = {}
    if priced:
        fields["price_fen"] = forms.CharField(
            label=words("总价（元）", "Total price (CNY)"), max_length=24,
            help_text=words("含全部次数或期数，精确到分", "for all calls or periods, to the fen"),
        )  # fmt: skip
    fields["purpose"] = forms.ChoiceField(label=words("用途", "Purpose"), choices=_choices(wanted))
    fields["delivery_form"] = forms.ChoiceField(label=words("交付形式", "Delivery form"), choices=_choices(shapes))
    fields["term_days"] = forms.IntegerField(label=words("期限（天）", "Term (days)"), min_value=1, initial=item.term_days)
    if item.price_unit != "per_contract":
        fields["quantity"] = forms.IntegerField(label=words("数量（次或期）", "Calls or periods"), min_value=1, initial=1)
    fields["rate"] = forms.IntegerField(label=words("每分钟请求上限", "Requests a minute"), required=False, min_value=1)
    sources = {"term_days": source_of(runtime.rules().value("trade.contract_term_max"))}
    return type("OfferForm", (FieldForm,), {**fields, "sources": sources})
