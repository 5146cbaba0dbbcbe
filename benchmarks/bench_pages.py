"""Pages with 100,000 products and 1,000,000 facts in the database: p95 of search, product page and desk.

One product is made through the real services; its rows are then multiplied with other titles and terms by bulk SQL. Each
page is asked for 200 times through Django's test client (every middleware, the template, the database). Prints one JSON
line a page: `runs` are the medians of five groups of requests, `p95` is over all of them, in milliseconds.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.scratch import scratch_home

PRODUCTS, FACTS, PROVIDERS = 100_000, 1_000_000, 200
REQUESTS, GROUPS, WARM_UP, GOAL_MS = 200, 5, 10, 100


def words_of(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PLACES = words_of(
    """杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 上海 深圳 广州 北京 成都 武汉 南京 西安 青岛 全国 长三角
    浙江 萧山 余杭"""
)
SUBJECTS = words_of(
    """航班 港口 货运 公交 地铁 出租车 停车 充电桩 高速公路 物流 电力 用电 燃气 供水 气象 降雨 空气质量 碳排放 光伏 水质
    企业信用 工商登记 发票 税务 招投标 专利 科研论文 门诊 药品 医保结算 疫苗 体检 文旅客流 酒店 博物馆 景区 农产品 粮食 畜牧
    土壤 渔业 应急救援 消防 地质灾害 城市部件 楼宇 社区 网格事件 零售 电商 快递 消费 供应链 工业设备 机床 纺织 化工 汽车"""
)
KINDS = words_of("运行 价格 流量 分布 画像 指数 预测 核验 明细 统计 轨迹 评级 时序 监测 对账 目录")
SHAPES = words_of("数据集 接口 报告 模型 月报 实时数据 历史数据 分析服务")
SPANS = ("2019–2025 年", "2023 年", "近三年", "每日更新", "每小时更新", "按季度")
SEARCHES = (
    "航班", "数据", "杭州 气象", "企业信用", "医保结算 预测", "港口流量", "碳",
    "充电桩 实时", "浙江 粮食 价格", "flight", "指数 报告", "不存在的词",
)


def titles(seed: int = 20260302) -> Iterator[str]:
    draw = random.Random(seed)
    while True:
        yield f"{draw.choice(PLACES)}{draw.choice(SUBJECTS)}{draw.choice(KINDS)}{draw.choice(SHAPES)}（{draw.choice(SPANS)}）"


def seed_story(now: Any) -> tuple[Any, int]:
    """One listed product of Alice through the services; (world, product id)."""
    from datetime import timedelta

    from shugu.catalogue.tests import stages
    from tests.world import World

    world = World.begin(now - timedelta(days=15))
    row = stages.product(world)
    stages.listed(world, row)
    return world, int(row.pk)


def add_providers(world: Any) -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO party_organisation (number, uscc, name, name_en, kind, registered_at) "
            "SELECT 'ORG-bench-' || n, lpad(n::text, 18, 'B'), '第' || n || '数据服务有限公司', '', 'enterprise', %s "
            "FROM generate_series(1, %s) n RETURNING id",
            [world.now, PROVIDERS - 1],
        )
        return [world.alice.org, *(row[0] for row in cursor.fetchall())]


def add_products(model: int, providers: list[int]) -> None:
    """Products, versions, cases with their party and term clock, listings and search terms, like the first one's."""
    from django.db import connection

    from shugu.catalogue.domain import ts_vector
    from shugu.catalogue.models import Listing, SearchTerm
    from shugu.kernel import runtime

    listing = Listing.objects.get(product_id=model)
    first = SearchTerm.objects.get(pk=model)
    draw, names = random.Random(7), titles()
    industries = [str(c) for c in runtime.rules().value("catalogue.industries").codes]
    forms = ("data_set", "data_model", "data_interface", "algorithm_application")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE fresh (n bigint, number text, title text, provider bigint, industry text, form text, "
            "delivery text, price bigint, quality int, terms text)"
        )
        with cursor.copy("COPY fresh FROM STDIN") as copy:
            for n in range(1, PRODUCTS):
                title, industry, form = next(names), draw.choice(industries), draw.choice(forms)
                terms = ts_vector([(title, "A"), (f"PRD-bench-{n}", "B"), (industry, "C"), (first.summary + title[:6], "D")])
                copy.write_row(
                    (n, f"PRD-bench-{n}", title, providers[n % len(providers)], industry, form, draw.choice(("api", "report")),
                     draw.randrange(100, 10**8), draw.randrange(5000, 10001), terms)
                )  # fmt: skip
        for statement in _MULTIPLY:
            cursor.execute(statement, {"product": model, "listing": listing.pk, "version": first.version_id})


_VERSION = (
    "title_en, summary, keywords, data_class, delivery_forms, dictionary, sample, price_unit, price_includes, policy, licence, "
    "term_days, data_digest, connector_id, changes, digest, created_at, fact"
)
_MULTIPLY = (
    (
        "INSERT INTO catalogue_product (number, entry_id, provider_id, created_at) "
        "SELECT f.number, p.entry_id, f.provider, p.created_at FROM fresh f, catalogue_product p "
        "WHERE p.id = %(product)s ORDER BY n"
    ),
    (
        f"INSERT INTO catalogue_productversion (product_id, version, number, title, industry, form, price_fen, {_VERSION}) "
        "SELECT p.id, 1, 'VER-bench-' || f.n, f.title, f.industry, f.form, f.price, "
        + ", ".join(f"v.{c}" for c in _VERSION.split(", "))
        + " FROM fresh f JOIN catalogue_product p ON p.number = f.number, catalogue_productversion v WHERE v.id = %(version)s"
    ),
    (
        "INSERT INTO kernel_case (number, procedure, version, subject, title, state, revision, rule_set, opened_at, opened_on, "
        "subjects, data) SELECT 'CAS-bench-' || f.n, c.procedure, c.version, c.subject, '挂牌 · ' || f.title, "
        "CASE WHEN f.n %% 500 = 0 THEN 'reviewing' ELSE c.state END, c.revision, c.rule_set, c.opened_at, c.opened_on, "
        "jsonb_build_array('catalogue.product:' || p.id), c.data "
        "FROM fresh f JOIN catalogue_product p ON p.number = f.number, kernel_case c WHERE c.id = %(listing)s"
    ),
    (
        "INSERT INTO kernel_caseparty (case_id, role, org) SELECT c.id, 'provider', f.provider "
        "FROM fresh f JOIN kernel_case c ON c.number = 'CAS-bench-' || f.n"
    ),
    (
        "INSERT INTO kernel_clock (case_id, clock, kind, status, starts_on, due_on, due_at, provisional) "
        "SELECT c.id, k.clock, k.kind, k.status, k.starts_on, k.due_on, k.due_at, k.provisional "
        "FROM fresh f JOIN kernel_case c ON c.number = 'CAS-bench-' || f.n, kernel_clock k "
        "WHERE k.case_id = %(listing)s AND k.status = 'running'"
    ),
    (
        "INSERT INTO catalogue_listing (case_id, number, product_id, version_id, gates, prohibition, submitted_at, listed_at) "
        "SELECT c.id, 'LST-bench-' || f.n, v.product_id, v.id, l.gates, '', l.submitted_at, l.listed_at "
        "FROM fresh f JOIN kernel_case c ON c.number = 'CAS-bench-' || f.n "
        "JOIN catalogue_productversion v ON v.number = 'VER-bench-' || f.n, catalogue_listing l WHERE l.case_id = %(listing)s"
    ),
    (
        "INSERT INTO catalogue_searchterm (product_id, version_id, number, title, title_en, summary, provider, industry, form, "
        "delivery_forms, price_fen, price_unit, quality, listed_at, terms) "
        "SELECT v.product_id, v.id, f.number, f.title, '', s.summary, f.provider, f.industry, f.form, ARRAY[f.delivery], "
        "f.price, "
        "s.price_unit, f.quality, s.listed_at + f.n * interval '1 second', f.terms::tsvector "
        "FROM fresh f JOIN catalogue_productversion v ON v.number = 'VER-bench-' || f.n, catalogue_searchterm s "
        "WHERE s.product_id = %(product)s"
    ),
)


def add_facts() -> None:
    """Facts spread over the cases, each in its place of the journal."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM kernel_case WHERE number LIKE 'CAS-bench-%%'")
        low, high = cursor.fetchone()
        cursor.execute(
            "INSERT INTO kernel_fact (name, subject, case_id, recorded_at, effective_on, payload, salt, digest) "
            "SELECT f.name, f.subject, %s + n %% %s, f.recorded_at, f.effective_on, f.payload, f.salt, "
            "sha256(f.salt || int8send(n)) FROM generate_series(1, %s) n, "
            "(SELECT * FROM kernel_fact WHERE name = 'listing.approved' LIMIT 1) f",
            [low, high - low + 1, FACTS],
        )
        cursor.execute(
            "INSERT INTO kernel_position (position, fact_id) SELECT "
            "coalesce((SELECT max(position) + 1 FROM kernel_position), 0) + row_number() OVER (ORDER BY id) - 1, id "
            "FROM kernel_fact f WHERE NOT EXISTS (SELECT 1 FROM kernel_position p WHERE p.fact_id = f.id)"
        )
        cursor.execute("VACUUM ANALYZE")


def signed_in(actor: Any) -> Any:
    """A browser in which this actor is signed in."""
    from django.test import Client

    from shugu.kernel import clock
    from shugu.party.models import Person

    client = Client()
    session, at = client.session, clock.now().isoformat()
    stamp = Person.objects.get(pk=actor.person).stamp
    session["seat"] = {"person": actor.person, "org": actor.org, "stamp": stamp, "since": at, "seen_at": at}
    session.save()
    return client


def measure(name: str, ask: Callable[[int], Any]) -> None:
    for n in range(WARM_UP):
        ask(n)
    from shugu.web import rates

    spent = []
    for n in range(REQUESTS):
        rates.BUCKETS.forget()  # one caller stands for two hundred: the limit per source is not what is measured
        begun = time.perf_counter()
        answer = ask(n)
        spent.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{name}: answered {answer.status_code}")
    p95 = statistics.quantiles(spent, n=20)[-1]
    size = REQUESTS // GROUPS
    runs = [round(statistics.median(spent[i : i + size]), 2) for i in range(0, REQUESTS, size)]
    line = {
        "name": f"{name}, p95 with {PRODUCTS:,} products and {FACTS:,} facts", "median": round(p95, 2), "unit": "ms",
        "goal": GOAL_MS, "higher_is_better": False, "runs": runs, "p95": round(p95, 2),
        "typical": round(statistics.median(spent), 2), "slowest": round(max(spent), 2), "peer": None,
    }  # fmt: skip
    print(json.dumps(line, ensure_ascii=False), flush=True)


def main() -> None:
    with scratch_home(mode="demo"):
        from django.conf import settings
        from django.test import Client

        from shugu.kernel import clock

        settings.ALLOWED_HOSTS = ["testserver"]
        begun = time.perf_counter()
        world, model = seed_story(clock.now())
        add_products(model, add_providers(world))
        print(f"products loaded after {time.perf_counter() - begun:.0f} s", flush=True)
        add_facts()
        print(f"facts loaded after {time.perf_counter() - begun:.0f} s", flush=True)
        visitor, alice, otto = Client(), signed_in(world.alice), signed_in(world.otto)
        filters = ("", "&industry=transport", "&sort=cheapest", "&delivery_form=api&quality_from=9000", "&page=2")
        searches = [f"/?q={q}{f}" for q in (*SEARCHES, "") for f in filters]
        measure("product search", lambda n: visitor.get(searches[n % len(searches)]))
        measure("product page", lambda n: visitor.get(f"/products/PRD-bench-{1 + n * 499 % (PRODUCTS - 1)}/"))
        measure("desk of a provider", lambda n: alice.get("/desk/"))
        measure("desk of the venue's operator", lambda n: otto.get("/desk/"))


if __name__ == "__main__":
    main()
