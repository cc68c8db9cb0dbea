# What a newcomer types. `make` alone lists it.
# CARGO_TARGET_DIR, if set, says where builds go; otherwise `target/`.

TARGET := $(or $(CARGO_TARGET_DIR),target)
VENV := tests/.venv

.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-import bench-pages setup lint fmt unit journeys browser

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: engine ## Build it and show it: a server, a week of history, and live traffic
	cargo build --release --locked
	$(TARGET)/release/milepost demo

test: setup lint ## All checks: format, lint, units and laws, journeys with real clients and a browser
	tests/run all

bench: engine ## State in memory, then a load generator against a release build: speed, CPU, memory
	cargo bench --locked --bench state --bench state-memory
	cargo bench --locked --bench load

bench-import: engine ## Files: a million events imported, beside the live way, and the other forms (20 minutes, 10 GB)
	cargo bench --locked --bench load -- import

bench-pages: engine ## Pages at a million open workflows: time to the first byte, restart, memory (20 minutes, 10 GB)
	cargo bench --locked --bench pages

setup: engine $(VENV)/.installed chromium ## Install what the tests need and is not here yet

lint: ## Format and clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Format the code
	cargo fmt --all

unit: ## Everything but the journeys
	tests/run unit

journeys: ## Real clients, real server, real ClickHouse, real browser
	tests/run journeys

browser: ## Only the journeys with a browser
	tests/run browser

# The embedded ClickHouse and the JavaScript clients. No package runs a script of its own on the way.
.PHONY: engine
engine: node_modules/.package-lock.json

node_modules/.package-lock.json: package-lock.json package.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(VENV)/.installed: tests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

.PHONY: chromium
chromium:
	@tests/need-chromium
