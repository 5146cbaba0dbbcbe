"""The error tree of the venue. One class: one stable code, HTTP status, sentence and remedy; HTML and JSON share it."""

from __future__ import annotations

from shugu.formats.errors import ShuguError


class NotFound(ShuguError):
    code = "not-found"
    status = 404
    sentence = ("没有找到{what}。", "No such {what}.")
    remedy = ("核对编号，或从列表重新进入。", "Check the number, or start again from the list.")


class InputInvalid(ShuguError):
    """Field errors: {field: [sentence, …]} in `field_errors`, each a (zh, en) pair."""

    code = "input-invalid"
    status = 422
    sentence = ("提交的内容有误：{fields}。", "The input has errors: {fields}.")
    remedy = ("按各字段旁的提示修改后再提交。", "Correct the fields as marked and submit again.")


class SignInNeeded(ShuguError):
    code = "sign-in-needed"
    status = 401
    sentence = ("此操作需要先登录。", "Sign in first.")
    remedy = ("登录后重试；接口调用请带有效的密钥。", "Sign in and try again; API calls need a valid key.")


class Forbidden(ShuguError):
    code = "forbidden"
    status = 403
    sentence = ("您无权查看或办理此事项。", "You may not see or do this.")
    remedy = ("请由有权的岗位或单位办理。", "Ask the seat or organisation that may.")


class Refused(ShuguError):
    """A command the procedure does not let happen now. A refused command changes nothing."""

    code = "refused"
    status = 409
    sentence = ("不予办理：{why}。", "Refused: {why}.")
    remedy = ("核对办件状态与条件后再办。", "Check the state and conditions of the case.")


class NotInProcedure(Refused):
    code = "not-in-procedure"
    sentence = ("办件处于“{state}”，不能“{do}”。", "The case is in state “{state}”; “{do}” is not possible from there.")
    remedy = ("刷新页面，按当前状态可办的事项办理。", "Reload and use an act allowed in the present state.")


class NotYourStep(Refused):
    code = "not-your-step"
    status = 403
    sentence = ("“{do}”由{by}办理，不属于您的岗位或身份。", "“{do}” belongs to {by}, not to your seat or party.")
    remedy = ("由相应岗位或当事人办理。", "Have the named seat or party do it.")


class SeparationOfDuties(Refused):
    code = "separation-of-duties"
    status = 403
    sentence = (
        "同一人不得在本办件中兼任{roles}。",
        "One person may not act as more than one of {roles} in the same case.",
    )
    remedy = ("请由另一人办理。", "Another person must act.")


class ConflictOfInterest(Refused):
    code = "conflict-of-interest"
    status = 403
    sentence = ("您与本办件的{role}有利害关系，应当回避。", "You are related to the {role} of this case and must stand aside.")
    remedy = ("改派无利害关系的人员。", "Assign somebody unrelated.")


class GuardRefused(Refused):
    code = "guard-refused"
    sentence = ("不予办理：{why}。", "Refused: {why}.")


class MaterialsMissing(Refused):
    code = "materials-missing"
    status = 422
    sentence = ("材料不齐：{materials}。", "Materials are missing: {materials}.")
    remedy = ("补齐所列材料后再提交。", "Attach the materials named and submit again.")


class TooEarly(Refused):
    code = "too-early"
    sentence = ("“{clock}”至 {until} 届满，期满后方可“{do}”。", "“{clock}” runs until {until}; “{do}” is possible after it.")
    remedy = ("期满后再办。", "Come back after that day.")


class TooLate(Refused):
    code = "too-late"
    sentence = ("“{clock}”已于 {until} 届满，不能再“{do}”。", "“{clock}” ended on {until}; “{do}” is no longer possible.")
    remedy = ("如有需要，重新发起办件。", "If still needed, open a new case.")


class HeldBack(Refused):
    code = "held-back"
    sentence = ("标的或当事人受限制，不能办理：{why}。", "A hold forbids this: {why}.")
    remedy = ("待限制解除后再办。", "Wait until the hold is lifted.")


class UndertakingNeeded(Refused):
    code = "undertaking-needed"
    sentence = ("须先书面承诺：{text}", "A written undertaking is needed first: {text}")
    remedy = ("阅读并确认承诺后再次提交。", "Read and confirm the undertaking, then submit again.")


class MovedMeanwhile(Refused):
    code = "moved-meanwhile"
    sentence = ("办件刚刚已被他人办理，状态已变化。", "Somebody acted on this case a moment ago.")
    remedy = ("刷新后按最新状态办理。", "Reload and act on the present state.")


class AlreadyGiven(Refused):
    code = "already-given"
    sentence = ("您（或贵单位）已就“{do}”表示过意见。", "You or your organisation have already given your word on “{do}”.")
    remedy = ("等待其他当事人。", "Wait for the other parties.")


class KeyConflict(ShuguError):
    code = "idempotency-conflict"
    status = 409
    sentence = ("同一请求键已用于内容不同的请求。", "This idempotency key was used with other content.")
    remedy = ("为新的请求换用新的键。", "Use a new key for a new request.")


class KeyUnavailable(ShuguError):
    code = "key-unavailable"
    status = 503
    sentence = ("签名密钥 {key} 无法使用：{why}。", "The signing key {key} cannot be used: {why}.")
    remedy = ("检查密钥文件、口令或密码机（shugu check），再试。", "Check key file, passphrase and HSM (shugu check); try again.")


class StoreCannot(ShuguError):
    code = "key-store-cannot"
    status = 422
    sentence = ("密钥库不能这样做：{why}。", "The key store cannot do this: {why}.")
    remedy = ("换用另一密钥库，或安装所需的部件。", "Use the other key store, or install what is missing.")


class AuditFailure(ShuguError):
    code = "audit-failure"
    status = 500
    sentence = ("审计发现不一致：{what}。", "The audit found a violation: {what}.")
    remedy = ("停止受理新业务，按报告逐条核查。", "Stop accepting business and follow the report.")


__all__ = [name for name, value in list(globals().items()) if isinstance(value, type) and issubclass(value, ShuguError)]
