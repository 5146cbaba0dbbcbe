"""The JSON-LD form of `policy.Policy`: ODRL 2.2 with the terms of this project's profile."""

from __future__ import annotations

from typing import Final, TypeVar

from shugu.formats.errors import BadPolicy, FormatError
from shugu.formats.policy import Action, Constraint, Duty, Operand, Operator, Permission, Policy

NAMESPACE: Final = "https://shugu.dev/ns/odrl#"
CONTEXT: Final[list[object]] = ["http://www.w3.org/ns/odrl.jsonld", {"shugu": NAMESPACE}]
_POLICY_MEMBERS: Final = {"@context", "@type", "uid", "profile", "target", "assigner", "assignee"}
_LISTS: Final = ("permission", "prohibition", "obligation")
Term = TypeVar("Term", Action, Operand, Operator)


def _write_value(constraint: Constraint) -> object:
    value = constraint.value
    if constraint.operand is Operand.DATE_TIME:
        return {"@type": "xsd:dateTime", "@value": value}
    return list(value) if isinstance(value, tuple) else value


def _write_constraints(constraints: tuple[Constraint, ...]) -> dict[str, object]:
    items = [
        {
            "leftOperand": c.operand.value,
            "operator": c.operator.value,
            "rightOperand": _write_value(c),
        }
        for c in constraints
    ]
    return {"constraint": items} if items else {}


def _write_duty(duty: Duty) -> dict[str, object]:
    return {"action": duty.action.value, **_write_constraints(duty.constraints)}


def _write_permission(permission: Permission) -> dict[str, object]:
    out = {"action": permission.action.value, **_write_constraints(permission.constraints)}
    if permission.duties:
        out["duty"] = [_write_duty(d) for d in permission.duties]
    return out


def write_policy(policy: Policy) -> dict[str, object]:
    """Empty lists are left out, so that each policy has one form."""
    out: dict[str, object] = {
        "@context": CONTEXT,
        "@type": "Agreement",
        "profile": NAMESPACE,
        "uid": policy.uid,
        "target": policy.target,
        "assigner": policy.assigner,
        "assignee": policy.assignee,
    }
    lists: dict[str, list[dict[str, object]]] = {
        "permission": [_write_permission(p) for p in policy.permissions],
        "prohibition": [{"action": a.value} for a in policy.prohibitions],
        "obligation": [_write_duty(d) for d in policy.obligations],
    }
    return out | {name: items for name, items in lists.items() if items}


def _members(value: object, needed: set[str], allowed: set[str]) -> dict[str, object]:
    if not isinstance(value, dict) or not needed <= value.keys() <= needed | allowed:
        raise BadPolicy(reason=("成员不符", "wrong members"))
    return value


def _term(kind: type[Term], value: object) -> Term:
    try:
        return kind(str(value))
    except ValueError as error:
        raise BadPolicy(reason=(f"未知的词 {value}", f"unknown term {value}")) from error


def _items(value: dict[str, object], name: str) -> list[object]:
    items = value.get(name, [])
    if not isinstance(items, list) or (name in value and not items):
        raise BadPolicy(reason=(f"{name} 应为非空列表", f"{name} is a list that is not empty"))
    return items


def _read_constraint(value: object) -> Constraint:
    names = {"leftOperand", "operator", "rightOperand"}
    found = _members(value, names, set())
    operand, right = _term(Operand, found["leftOperand"]), found["rightOperand"]
    if operand is Operand.DATE_TIME:
        typed = _members(right, {"@type", "@value"}, set())
        if typed["@type"] != "xsd:dateTime":
            raise BadPolicy(reason=("时间类型不符", "wrong type of time"))
        right = typed["@value"]
    if isinstance(right, list):
        right = tuple(right)
    if not isinstance(right, (int, str, tuple)):
        raise BadPolicy(reason=("约束值有误", "wrong constraint value"))
    return Constraint(operand, _term(Operator, found["operator"]), right)


def _read_duty(value: object) -> Duty:
    found = _members(value, {"action"}, {"constraint"})
    constraints = tuple(_read_constraint(c) for c in _items(found, "constraint"))
    return Duty(_term(Action, found["action"]), constraints)


def _read_permission(value: object) -> Permission:
    found = _members(value, {"action"}, {"constraint", "duty"})
    constraints = tuple(_read_constraint(c) for c in _items(found, "constraint"))
    duties = tuple(_read_duty(d) for d in _items(found, "duty"))
    return Permission(_term(Action, found["action"]), constraints, duties)


def read_policy(value: object) -> Policy:
    """Raises BadPolicy for whatever `write_policy` would not write."""
    found = _members(value, _POLICY_MEMBERS, set(_LISTS))
    names = [found[m] for m in ("uid", "target", "assigner", "assignee")]
    if found["@context"] != CONTEXT or (found["@type"], found["profile"]) != ("Agreement", NAMESPACE):
        raise BadPolicy(reason=("不是本项目的策略", "not a policy of this profile"))
    if not all(isinstance(n, str) and n for n in names):
        raise BadPolicy(reason=("名称应为文本", "names are texts"))
    try:
        return Policy(
            uid=str(found["uid"]),
            target=str(found["target"]),
            assigner=str(found["assigner"]),
            assignee=str(found["assignee"]),
            permissions=tuple(_read_permission(p) for p in _items(found, "permission")),
            prohibitions=tuple(
                _term(Action, _members(p, {"action"}, set())["action"]) for p in _items(found, "prohibition")
            ),
            obligations=tuple(_read_duty(d) for d in _items(found, "obligation")),
        )
    except BadPolicy:
        raise
    except FormatError as error:
        raise BadPolicy(reason=("时间写法有误", "malformed time")) from error
