# What a person types: make demo, make services, make stop, make test, make soak, make lint, make bench.
# Every target first sees to .venv, from requirements.lock with hashes.

PORT ?= 8000
PYTHON ?=
TESTS ?= tests
BENCH ?= bench.json
RUN = .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help venv demo services stop test soak lint bench

help:
	@echo 'make demo [PORT=8000]  the whole portal with a lively demo program; Ctrl-C ends it, the data stay'
	@echo 'make services          only the embedded PostgreSQL and Valkey; prints their addresses'
	@echo 'make stop              ends them'
	@echo 'make test              all tests but the long ones (TESTS=tests/crm for a part)'
	@echo 'make soak              the long fault and calendar tests'
	@echo 'make lint              style, types, the ladder of imports, templates, migrations, deployment checks'
	@echo 'make bench             the figures, as JSON in $(BENCH)'

venv:
	@PYTHON='$(PYTHON)' sh advocacy/local/venv.sh

demo: venv
	@exec $(RUN) -m advocacy.local demo --port '$(PORT)'

services: venv
	@exec $(RUN) -m advocacy.local services

stop: venv
	@exec $(RUN) -m advocacy.local stop

test: venv
	$(RUN) -m pytest $(TESTS) -n 2 --dist worksteal -m 'not soak'

soak: venv
	$(RUN) -m pytest $(TESTS) -m soak

lint: venv
	$(RUN) -m advocacy.local lint

bench: venv
	$(RUN) -m tests.benchmarks --output '$(BENCH)'
