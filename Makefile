# `make test` is what CI runs: everything, from formatting to a real browser. `make help` lists the targets.

VENV := tests/.venv
PYTHON := $(VENV)/bin/python
VENV_READY := $(VENV)/ready
NODE_READY := tests/node/node_modules/.package-lock.json

.PHONY: help test tools lint unit fuzz-short fuzz campaign build e2e screenshots clean-e2e
.DEFAULT_GOAL := help
# cargo uses all cores by itself, and the order of the prerequisites matters.
.NOTPARALLEL:

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

test: tools lint unit fuzz-short e2e ## Run every check there is

tools: ## Install the programs the suites drive (as root), or name the missing ones
	tests/install-tools

lint: $(VENV_READY) ## Check formatting, clippy, the documentation and the Python, warnings being errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	cd tests && .venv/bin/ruff check . && .venv/bin/ruff format --check .

unit: ## Run the Rust tests, those of the store on both databases
	if cargo nextest --version >/dev/null 2>&1; then \
		tests/with-postgres cargo nextest run --workspace --locked && cargo test --workspace --doc --locked; \
	else \
		tests/with-postgres cargo test --workspace --locked; \
	fi

fuzz-short: ## Fuzz every entry point for 20 seconds, where a nightly toolchain and cargo-fuzz are there
	SEED=1 fuzz/run 20

fuzz: ## Fuzz every entry point for SECONDS (600), or TARGETS alone
	fuzz/run $(or $(SECONDS),600) $(TARGETS)

campaign: ## Run EXECUTIONS (10000000) mutated inputs through the entry points, and watch time and memory
	cd fuzz && cargo run --release --no-default-features --features runner --bin campaign -- \
		--executions $(or $(EXECUTIONS),10000000) $(TARGETS)

build: ## Build the release binary
	cargo build --release --locked -p bugle-server

e2e: build $(VENV_READY) $(NODE_READY) ## Drive the release binary with real SDKs, a real browser and real servers
	cd tests && ../$(PYTHON) -m pytest $(PYTEST)

screenshots: build $(VENV_READY) ## Make the pictures of docs/images from the shop's errors
	cd tests && ../$(PYTHON) screenshots.py

clean-e2e: ## Remove the Python environment and the pictures of failed runs
	rm -rf $(VENV) tests/node/node_modules tests/output

$(VENV_READY): tests/requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(NODE_READY): tests/node/package-lock.json
	cd tests/node && npm ci --silent --no-audit --no-fund
	touch $@
