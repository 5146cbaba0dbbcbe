from __future__ import annotations

import re

from django import forms
from django.utils import translation

from shugu.formats.errors import BadUscc, ShuguError
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.shapes import Source

KEY = "6f1c7f0e-8f0f-4c39-9a38-0d7a5f0b7f11"


class Application(FieldForm):
    sources = {"uscc": Source("GB 32100", "5")}

    name = forms.CharField(label=words("名称", "Name"), help_text=words("公示时显示", "Shown in the notice"))
    uscc = forms.CharField(label=words("代码", "Code"), required=False)
    right = forms.ChoiceField(
        label=words("权利", "Right"),
        widget=forms.RadioSelect,
        choices=[("hold", words("持有", "Hold"))],
        required=False,
    )


def test_every_field_has_its_label_help_and_required_mark() -> None:
    html = str(Application())
    assert '<label for="id_name">名称</label>' in html and "公示时显示" in html
    assert html.count("必填") == 1 and 'aria-describedby="id_name_helptext"' in html
    assert "<fieldset" in html and "<legend>权利" in html and "GB 32100" in html


def test_labels_and_choices_follow_the_language_of_the_moment() -> None:
    with translation.override("en"):
        html = str(Application())
    assert ">Name</label>" in html and "Hold" in html and "required" in html


def test_each_showing_has_its_own_key_and_a_second_showing_keeps_it() -> None:
    keys = [re.search(r'name="key" value="([0-9a-f-]{36})"', str(Application())) for _ in range(2)]
    assert keys[0] is not None and keys[1] is not None and keys[0][1] != keys[1][1]
    again = Application({"name": "", "key": KEY})
    assert not again.is_valid() and f'value="{KEY}"' in str(again)


def test_the_key_is_read_after_validation() -> None:
    form = Application({"name": "x", "key": KEY})
    assert form.is_valid() and str(form.idempotency_key) == KEY


def test_it_refuses_a_form_without_key_or_with_a_forged_one() -> None:
    assert not Application({"name": "x"}).is_valid()
    assert not Application({"name": "x", "key": "1; drop"}).is_valid()


def test_it_refuses_unknown_fields_by_name() -> None:
    form = Application({"name": "x", "key": KEY, "role": "admin"})
    assert not form.is_valid() and "role" in str(form.non_field_errors())


def test_it_lets_the_plumbing_pass() -> None:
    assert Application({"name": "x", "key": KEY, "csrfmiddlewaretoken": "t", "act": "save"}).is_valid()


def test_a_refusal_stands_beside_its_field_and_nothing_typed_is_lost() -> None:
    form = Application({"name": "样例 <b>", "uscc": "913", "key": KEY})
    assert form.is_valid()
    add_refusal(
        form,
        BadUscc(
            value="913", reason=("太短", "too short"), article="5", field_errors={"uscc": ("太短。", "Too short.")}
        ),
    )
    html = str(form)
    assert 'id="id_uscc_error"' in html and "太短。" in html and 'aria-invalid="true"' in html
    assert 'value="样例 &lt;b&gt;"' in html and 'value="913"' in html
    assert "请对照营业执照核对" in html and "（5）" in html


def test_a_refusal_about_a_field_that_is_not_shown_is_told_on_top() -> None:
    form = Application({"name": "x", "key": KEY})
    add_refusal(form, ShuguError(field_errors={"hidden_thing": ("不对。", "Wrong.")}))
    assert "hidden_thing: 不对。" in str(form.non_field_errors())


def test_a_refusal_speaks_the_language_of_the_page() -> None:
    form = Application({"name": "x", "key": KEY})
    with translation.override("en"):
        add_refusal(form, BadUscc(value="913", reason=("太短", "too short")))
    assert "too short" in str(form.non_field_errors())
