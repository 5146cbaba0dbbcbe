# Two commands matter: `make run` and `make test`. Everything they need is installed into .venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
export SHUGU_HOME ?= $(CURDIR)/var
export PYTHONWARNINGS ?= ignore:XDG_RUNTIME_DIR

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "需要 Python 3.11 或更新 / Python 3.11 or newer is needed"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "安装依赖（首次约一分钟）/ installing dependencies (about a minute the first time) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[venue,connector,chain,demo,dev]'
	@touch $@

install: $(INSTALLED)  ## install everything into .venv

run: $(INSTALLED)  ## the demonstration venue: first trade once, then serve until Ctrl-C
	@$(BIN)/shugu demonstrate

demo: $(INSTALLED)  ## the first trade alone, headless, narrated; leaves demo-out/
	@$(BIN)/shugu demo --out demo-out

federation: $(INSTALLED)  ## three venues recognise one another's certificates; an entry moves; leaves federation-out/
	@$(BIN)/shugu federation demo --out federation-out

test: $(INSTALLED)  ## everything: style, types, architecture, unit, journeys
	@bash tests/run.sh

bench: $(INSTALLED)  ## measure the headline figures; writes bench-out/figures.json
	@$(BIN)/python benchmarks/run.py

campaign: $(INSTALLED)  ## long crash and hostile runs
	@$(BIN)/python -m pytest -q -m campaign --override-ini addopts= --import-mode=importlib

audit: $(INSTALLED)  ## audit everything in the home's database
	@$(BIN)/shugu audit

check: $(INSTALLED)  ## configuration, rules and procedures
	@$(BIN)/shugu check

docs: $(INSTALLED)  ## write the generated tables under docs/
	@$(BIN)/shugu docs

reset:  ## wipe the demonstration venue and what it left; a real venue is refused
	@for home in "$(SHUGU_HOME)" var; do \
		if grep -qs '^mode = "real"' "$$home/home.toml"; then \
			echo "$$home 是真实场所，不会清空 / is a real venue and is not wiped" >&2; exit 1; fi; \
		if test "$$home" != var -a "$$home" != "$(CURDIR)/var" -a -e "$$home" && ! grep -qs '^mode = "demo"' "$$home/home.toml"; then \
			echo "$$home 不是演示场所的目录，不会清空 / is no home of a demonstration and is not wiped" >&2; exit 1; fi; done
	@for mark in "$(SHUGU_HOME)"/postgres/postmaster.pid var/postgres/postmaster.pid var/demo/postgres/postmaster.pid; do \
		if test -f "$$mark" && ps -o comm= -p $$(head -1 "$$mark") | grep -q postgres; then kill -INT $$(head -1 "$$mark"); sleep 2; fi; done
	@rm -rf "$(SHUGU_HOME)" var demo-out federation-out bench-out
	@echo "已清空 / wiped"

.PHONY: help install run demo federation test bench campaign audit check docs reset
