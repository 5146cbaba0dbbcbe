"""Forms with the house's field component, an idempotency key and refusals beside the field they concern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.utils.functional import lazystr

from shugu.formats.errors import ShuguError
from shugu.kernel.text import Text
from shugu.web import language
from shugu.web.shapes import Source, Words


def words(zh: Words, en: str = "") -> Any:
    """A label, help text or choice in the language of the moment it is shown: `words("名称", "Name")`.

    A Text itself will not do there: it is a tuple, which Django takes for a group of choices.
    """
    return lazystr(zh if isinstance(zh, Text) else Text(zh, en))


class FieldForm(forms.Form):
    """`{{ form }}` renders every field with `web/field.html`. Unknown fields are refused.

    `key` is made when the form is shown and comes back with it: the same key with the same
    input gives the same answer, so a double click acts once. `sources` puts a footnote mark
    beside the label of a field from a rule.
    """

    template_name = "web/form_fields.html"
    sources: ClassVar[Mapping[str, Source]] = {}
    # What browsers and Django themselves add to a form.
    PLUMBING: ClassVar[frozenset[str]] = frozenset({"csrfmiddlewaretoken", "lang"})

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    @property
    def idempotency_key(self) -> UUID:
        """Only after `is_valid()`."""
        key = self.cleaned_data["key"]
        assert isinstance(key, UUID)
        return key

    def clean(self) -> dict[str, object] | None:
        known = {self.add_prefix(name) for name in self.fields} | self.PLUMBING
        unknown = sorted(name for name in self.data if name not in known and not self._is_part(name))
        if unknown:
            listed = ", ".join(unknown)
            self.add_error(
                None,
                f"表单中有未知的字段：{listed}。" if language.current() == "zh" else f"Unknown fields: {listed}.",
            )
        return super().clean()

    def _is_part(self, name: str) -> bool:
        """Widgets of several inputs post `field_0`, `field_1` …; a submit button may be named `act`."""
        head, _, tail = name.rpartition("_")
        return (tail.isdigit() and head in {self.add_prefix(n) for n in self.fields}) or name == "act"


def add_refusal(form: forms.BaseForm, error: ShuguError) -> None:
    """Puts a service's refusal where it belongs, so that the form is shown again with all that was typed.

    A field error the form has no field for stands on top, named, with everything that concerns the whole.
    """
    lang = language.current()
    gap = "" if lang == "zh" else " "
    remedy, article = error.remedy_text(lang), error.article
    source = (f"（{article}）" if lang == "zh" else f" ({article})") if article else ""
    told = error.as_dict(lang).get("field_errors")
    told = told if isinstance(told, Mapping) else {}
    for name, text in told.items():
        if name in form.fields:
            form.add_error(name, forms.ValidationError(str(text), code=error.code))
        else:
            form.add_error(None, forms.ValidationError(f"{name}: {text}", code=error.code))
    form.add_error(None, forms.ValidationError(f"{error.message(lang)}{gap}{remedy}{source}", code=error.code))
