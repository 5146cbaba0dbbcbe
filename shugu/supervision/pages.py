"""What supervision adds to the shell when the process starts: navigation, its cases, their inputs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.supervision import services
from shugu.supervision.domain import CONCLUSIONS
from shugu.web import case_acts, navigation


def act(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    cmd = services.ActOnInspection(case, do, input, undertaking)
    return services.act_on_inspection(cmd, actor=actor, now=now, key=key)


def register() -> None:
    case_acts.register("supervision.inspection", act)
    case_acts.name_input("inspection_conclusion", "检查结论", "Conclusion", "choice", lambda _case: CONCLUSIONS.items())
    case_acts.name_input("findings", "检查情况（不公开）", "Findings, not published", "text")
    case_acts.name_input(
        "public_result", "公开内容", "What is published", "text",
        help=Text("勿写个人信息和商业秘密", "No personal data, no business secrets"),
    )  # fmt: skip
    for title, name, order in (
        (Text("监管", "Supervision"), "supervision:home", 20),
        (Text("查办件", "Cases"), "supervision:cases", 21),
        (Text("查事实", "Facts"), "supervision:facts", 22),
        (Text("双随机抽查", "Inspections"), "supervision:inspections", 23),
    ):
        navigation.register(navigation.NavItem("regulator", title, name, order))
    navigation.register(navigation.NavItem("operator", Text("指标", "Targets"), "supervision:home", 60))
    navigation.register(navigation.NavItem(navigation.EVERYBODY, Text("信息公开", "Disclosure"), "supervision:disclosure", 880))
