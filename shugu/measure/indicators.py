"""The six dimensions and twenty indicators of GB/T 36344-2018, each X = A/B.

Titles follow the standard; the rule texts are our own words for what this measure counts.
Two indicators, 0303 and 0305, are better when lower.
"""

from __future__ import annotations

from dataclasses import dataclass

STANDARD = "GB/T 36344-2018"

Bilingual = tuple[str, str]


@dataclass(frozen=True)
class Indicator:
    """`a`/`b`: what is counted above and below the line (zh, en). `lacking`: why it may not be assessable."""

    code: str
    title: Bilingual
    a: Bilingual
    b: Bilingual
    lacking: Bilingual
    lower_is_better: bool = False

    @property
    def dimension(self) -> str:
        return self.code[:2]


DIMENSIONS: dict[str, Bilingual] = {
    "01": ("规范性", "conformity to standards"),
    "02": ("完整性", "completeness"),
    "03": ("准确性", "accuracy"),
    "04": ("一致性", "consistency"),
    "05": ("时效性", "timeliness"),
    "06": ("可访问性", "accessibility"),
}

_RULES = (
    ("满足规则的行数", "rows that satisfy the rule"),
    ("规则有结论的行数", "rows on which the rule decides"),
)

INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "0101",
        ("数据标准", "data standards"),
        ("符合所声明数据标准的元素数", "elements that follow the declared standard"),
        ("声明了数据标准的字段的非空元素数", "non-empty elements of columns that declare a standard"),
        ("没有字段声明所遵循的数据标准", "no column declares a data standard"),
    ),
    Indicator(
        "0102",
        ("数据模型", "data model"),
        (
            "主键完整且唯一的记录数与引用有效的元素数之和",
            "records with a whole and unique key, plus references that resolve",
        ),
        ("记录数与非空引用数之和", "records, plus non-empty references"),
        ("数据字典未声明主键，也没有可核对的引用", "no primary key and no checkable reference is declared"),
    ),
    Indicator(
        "0103",
        ("元数据", "metadata"),
        (
            "存在、类型相符且有中英文名称的字段数",
            "columns present, stored as declared and titled in both languages",
        ),
        ("数据字典与数据文件中的全部字段数", "all columns of dictionary and file"),
        ("没有数据字典", "there is no data dictionary"),
    ),
    Indicator(
        "0104",
        ("业务规则", "business rules"),
        *_RULES,
        ("数据字典未声明业务规则", "no business rule is declared"),
    ),
    Indicator(
        "0105",
        ("权威参考数据", "authoritative reference data"),
        ("取值在权威代码表或参考表中的元素数", "elements found in the authoritative code list or table"),
        ("声明了权威参考的字段的非空元素数", "non-empty elements of columns with such a reference"),
        ("没有字段声明权威参考数据", "no column declares authoritative reference data"),
    ),
    Indicator(
        "0106",
        ("安全规范", "security rules"),
        ("符合脱敏或安全规则的元素数", "elements that keep the masking or security rule"),
        ("声明了安全规则的非空元素数", "non-empty elements under such a rule"),
        ("没有声明脱敏或安全规则", "no masking or security rule is declared"),
    ),
    Indicator(
        "0201",
        ("数据元素完整性", "element completeness"),
        ("应有值且有值的元素数", "expected elements that have a value"),
        ("应有值的元素数", "elements expected to have a value"),
        ("数据字典未声明哪些字段应当有值", "no column is declared as expected"),
    ),
    Indicator(
        "0202",
        ("数据记录完整性", "record completeness"),
        ("应有值的元素全部有值的记录数", "records whose expected elements all have values"),
        ("应有的记录数", "records expected"),
        ("数据字典未声明哪些字段应当有值", "no column is declared as expected"),
    ),
    Indicator(
        "0301",
        ("数据内容正确性", "correctness of content"),
        *_RULES,
        ("没有真值或正确性规则可供比对", "there is no truth and no rule of correctness to compare with"),
    ),
    Indicator(
        "0302",
        ("数据格式合规性", "format conformity"),
        ("类型、值域、长度、格式均符合的元素数", "elements that fit type, range, length and pattern"),
        ("非空元素数", "non-empty elements"),
        ("数据中没有可评价的元素", "the data hold no element to evaluate"),
    ),
    Indicator(
        "0303",
        ("数据重复率", "duplication rate"),
        ("整行重复的多余记录数", "surplus copies of whole records"),
        ("记录数", "records"),
        ("数据中没有记录", "the data hold no record"),
        lower_is_better=True,
    ),
    Indicator(
        "0304",
        ("数据唯一性", "uniqueness"),
        ("键值只出现一次的记录数", "records whose key value occurs exactly once"),
        ("键值完整的记录数", "records with a whole key"),
        ("数据中没有记录", "the data hold no record"),
    ),
    Indicator(
        "0305",
        ("脏数据出现率", "dirty data rate"),
        ("格式不合规、含乱码或属于占位内容的元素数", "elements out of format, garbled, or placeholders"),
        ("非空元素数", "non-empty elements"),
        ("数据中没有可评价的元素", "the data hold no element to evaluate"),
        lower_is_better=True,
    ),
    Indicator(
        "0401",
        ("相同数据一致性", "consistency of the same datum"),
        ("与他处同一数据一致的记录数", "records equal to the same datum elsewhere"),
        ("可比对的记录数", "records that can be compared"),
        ("没有声明在多处出现的同一数据", "no datum is declared to occur in several places"),
    ),
    Indicator(
        "0402",
        ("关联数据一致性", "consistency of related data"),
        *_RULES,
        ("没有声明关联数据之间的规则", "no rule between related data is declared"),
    ),
    Indicator(
        "0501",
        ("基于时间段的正确性", "correctness over a period"),
        ("落在时间段内或达到应有记录数的单位数", "units in the period or filled as expected"),
        ("应评价的记录数或时间单位数", "records or time units to evaluate"),
        ("没有声明数据应覆盖的时间段", "no period to be covered is declared"),
    ),
    Indicator(
        "0502",
        ("基于时间点的及时性", "timeliness at a point in time"),
        ("延迟未超过承诺的单位数", "units whose delay is within the promise"),
        ("应评价的单位数", "units to evaluate"),
        ("没有声明更新时效承诺", "no promise of freshness is declared"),
    ),
    Indicator(
        "0503",
        ("时序性", "temporal order"),
        ("先后顺序正确的记录数", "records in the right order"),
        ("可判断先后的记录数", "records whose order can be judged"),
        ("没有声明时间先后规则", "no rule of temporal order is declared"),
    ),
    Indicator(
        "0601",
        ("可访问", "accessible"),
        ("成功取得数据的探测次数", "probes that obtained the data"),
        ("探测次数", "probes"),
        ("没有交付通道的探测结果", "there is no probe of the delivery channel"),
    ),
    Indicator(
        "0602",
        ("可用性", "usable"),
        ("取得且内容可用的探测次数", "probes that obtained usable data"),
        ("检查了内容的探测次数", "probes that examined the content"),
        ("没有检查过内容的探测结果", "no probe examined the content"),
    ),
)

BY_CODE: dict[str, Indicator] = {indicator.code: indicator for indicator in INDICATORS}
NOTHING_TO_EVALUATE: Bilingual = (
    "声明的规则没有遇到任何可评价的元素",
    "the declared rules met no element to evaluate",
)
