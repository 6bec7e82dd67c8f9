# What people type. Every target works from an empty clone; `make help` lists them.
#
# An example becomes an installable folder by examples/build-example, which knows nothing of any one of them: a new
# folder below examples/ with a plugin.json needs no line here.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

TARGET   := $(abspath $(or $(CARGO_TARGET_DIR),target))
# Where the built examples lie; not below CARGO_TARGET_DIR, so that the path in the documentation holds.
PLUGINS  := $(abspath target/plugins)
# Data of `make run`: apart from what you keep in your home folder, and kept between runs.
RUN_DATA := $(abspath target/run/data)
EXAMPLES := $(patsubst examples/%/plugin.json,%,$(wildcard examples/*/plugin.json))
# What a first run needs of the workspace, built together.
FIRST    := -p outboard -p outboard-sqlite $(patsubst examples/%/Cargo.toml,-p %,$(wildcard $(EXAMPLES:%=examples/%/Cargo.toml)))
# Further flags for `make run`, such as ARGS="--listen 127.0.0.1:3000".
ARGS     ?=

# $(call need,program:package …): the programs that a target calls and the Debian packages that bring them. Root gets
# them installed; everybody else one line to copy.
define need
	@missing=""; for pair in $(1); do command -v "$${pair%%:*}" >/dev/null 2>&1 || missing="$$missing $${pair##*:}"; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "installing$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	else \
		echo "this needs$$missing; install with:" >&2; \
		echo "    sudo apt-get install -y$$missing" >&2; exit 1; \
	fi
endef

# Rust comes from rustup: Debian's is older than the version that Cargo.toml asks for.
define need_rust
	@command -v cargo >/dev/null 2>&1 || { \
		echo "this needs Rust $$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer, with cargo on the PATH; see https://rustup.rs" >&2; exit 1; }
endef

# What tests run and no runner builds by itself: programs of other packages, and SQLite for JavaScript beside them. Always all
# of the workspace: a part of it would be built with other features, and with that anew.
build_all = cargo build --workspace --locked

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "make %-10s %s\n", $$1, $$2 }'

.PHONY: build
build: ## The release binary: target/release/outboard, and SQLite for JavaScript plugins beside it
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev)
	cargo build --release --locked -p outboard -p outboard-sqlite

.PHONY: plugins
plugins: $(EXAMPLES:%=plugin-%) ## Every example as an installable folder: target/plugins/<id>/

plugin-%: sdk-typescript
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev)
	@OUTBOARD_TARGET="$(TARGET)" examples/build-example "examples/$*" "$(PLUGINS)/$*"

# Where there are JavaScript packages, their dependencies (one lock file for all) and the SDK that examples are built with.
.PHONY: sdk-typescript
sdk-typescript:
ifneq ($(wildcard package-lock.json),)
	$(call need,node:nodejs npm:npm)
	@[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund
	@npm run build --if-present --silent --workspace plugin-sdk/typescript --workspace plugin-sdk/typescript-shell --workspace plugin-sdk/host
endif

.PHONY: run
run: export OUTBOARD_PROFILE := quick
run: export OUTBOARD_PACKAGES := $(FIRST)
run: plugins ## Run the supervisor on the examples; prints URLs to try
	cargo build --profile quick --locked $(FIRST)
	@mkdir -p "$(RUN_DATA)"
	"$(TARGET)/quick/outboard" run --plugins "$(PLUGINS)" --data "$(RUN_DATA)" $(ARGS)

# Tests run what the workspace's debug build made: a release build of the same would double the wait of a first `make test`.
test-rust test-typescript test-host test-browser: export OUTBOARD_PROFILE := dev
test-rust test-typescript test-host test-browser: export OUTBOARD_PACKAGES := --workspace

.PHONY: test
test: test-rust test-typescript test-host test-python test-browser ## Every test

# Most tests wait for processes more than they compute, so twice as many as there are processors are under way; trials compute.
TEST_THREADS = $(shell echo $$((2 * $$(nproc))))
trials: TEST_THREADS = $(shell nproc)

.PHONY: test-rust
test-rust: plugins python-environment
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev python3:python3 sqlite3:sqlite3)
	$(build_all)
	@if cargo nextest --version >/dev/null 2>&1; then \
		cargo nextest run --workspace --locked --no-fail-fast --test-threads $(TEST_THREADS) && cargo test --workspace --locked --doc; \
	else \
		cargo test --workspace --locked --no-fail-fast; \
	fi

.PHONY: test-typescript
test-typescript: sdk-typescript
ifneq ($(wildcard plugin-sdk/typescript/package.json),)
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev sqlite3:sqlite3)
	npm run build:addon --silent --workspace plugin-sdk/typescript
	npm test --workspace plugin-sdk/typescript --workspace plugin-sdk/typescript-shell
endif

# Applications that embed Outboard, against the real supervisor.
.PHONY: test-host
test-host: sdk-typescript
	$(need_rust)
	$(build_all)
	OUTBOARD_BIN="$(TARGET)/debug/outboard" npm test --workspace plugin-sdk/host --workspace examples/electron-host

# The examples that are npm packages, by their own tests; plugins' UIs in Chromium, and JavaScript plugins under the real supervisor. The
# guard is for the whole file.
.PHONY: test-browser
test-browser: plugins sdk-typescript
	$(need_rust)
	$(call need,chromium:chromium)
	$(build_all)
	npm test --silent $(patsubst %,--workspace examples/%,$(filter $(EXAMPLES),$(patsubst examples/%/package.json,%,$(wildcard examples/*/package.json))))
	OUTBOARD_BIN="$(TARGET)/debug/outboard" node --test --test-concurrency=2 --test-timeout=900000 tests/browser/*.test.mjs

# The Python SDK's own tests need web frameworks, and those of `outboard dev` a debugger, so there is an environment below target/.
.PHONY: python-environment
python-environment:
	$(call need,python3:python3)
	plugin-sdk/python/make-venv "$(abspath target/python-tests)" test

.PHONY: test-python
test-python: python-environment
ifneq ($(wildcard plugin-sdk/python/tests),)
	cd plugin-sdk/python && PYTHONPATH=src "$(abspath target/python-tests)/bin/python3" -m unittest discover -t . -s tests
endif

# Node's own SQLite takes the addon's place where that is missing, and Node 24 is the first with one that will do. It is a download of
# 100 MB, so it is not a dependency of the workspace: the trials install it below target/.
NODE24_VERSION := 24.21.0
NODE24 := $(abspath target/node24/node_modules/node/bin/node)

.PHONY: test-databases
test-databases: test-typescript
	@[ "$$($(NODE24) --version 2>/dev/null)" = v$(NODE24_VERSION) ] || npm install --prefix target/node24 --no-audit --no-fund --no-package-lock node@$(NODE24_VERSION)
	cd plugin-sdk/typescript && $(NODE24) --test --test-timeout=900000 tests/database*.test.mjs

# The same tests with large counts: each that has one reads OUTBOARD_TRIALS, and proptest its own variable. The databases of
# JavaScript are among them, with both engines. It builds nothing that `make test` has not built.
.PHONY: trials
trials: export OUTBOARD_TRIALS := 1
trials: export PROPTEST_CASES := 4096
trials: test-rust test-typescript test-host test-databases ## The tests with large counts: more kills, more clients, more random cases

# Changes the code in one place at a time; see docs/TESTING.md. GROUNDS="wire" for one part, ARGS="--seed 7" for other samples.
MUTANTS_VERSION := 27.1.0
GROUNDS ?=

.PHONY: mutants
mutants: export PATH := $(abspath target/tools/bin):$(PATH)
mutants: ## Change the code in one place at a time, and see whether a test notices
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev git:git python3:python3)
	@[ "$$(cargo mutants --version 2>/dev/null)" = "cargo-mutants $(MUTANTS_VERSION)" ] || \
		cargo install --locked --root target/tools cargo-mutants@$(MUTANTS_VERSION)
	nice -n 15 python3 tests/mutants.py $(GROUNDS) $(ARGS)

.PHONY: schema
schema: ## What is generated from the tables of methods and settings: schemas, SDK types, references in docs
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev)
	cargo run --locked -p outboard-generate
	OUTBOARD_GENERATE=1 cargo test --workspace --locked --bin outboard settings::reference

.PHONY: bench
bench: build ## Measure beside limits and peers; writes docs/PERFORMANCE.md
	$(call need,python3:python3 wrk:wrk nginx:nginx-light haproxy:haproxy node:nodejs npm:npm strace:strace taskset:util-linux)
	cargo build --release --locked -p bench
	cargo build --release --locked -p outboard-context --example grouped_commits
	CARGO_TARGET_DIR="$(TARGET)" python3 tests/bench/table.py --write

.PHONY: check
check: check-rust check-dependencies check-typescript check-python ## Formatting, lints, types, and what the dependencies are

.PHONY: check-rust
check-rust:
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
# As `make run` and a plugin's author compile them: without the rest of the workspace, whose features they share above.
	cargo clippy --locked -p outboard-plugin -- -D warnings
	cargo clippy --locked $(FIRST) -- -D warnings

# Built once, below target/. The list of known holes is somebody else's repository, which not every machine reaches.
DENY_VERSION := 0.20.2
# Finds dependencies that are declared and used by nobody.
MACHETE_VERSION := 0.9.2

.PHONY: check-dependencies
check-dependencies: export PATH := $(abspath target/tools/bin):$(PATH)
check-dependencies:
	$(need_rust)
	$(call need,cc:gcc cc:libc6-dev git:git)
	@[ "$$(cargo deny --version 2>/dev/null)" = "cargo-deny $(DENY_VERSION)" ] || \
		cargo install --locked --root target/tools cargo-deny@$(DENY_VERSION)
	@[ "$$(cargo machete --version 2>/dev/null)" = "$(MACHETE_VERSION)" ] || \
		cargo install --locked --root target/tools cargo-machete@$(MACHETE_VERSION)
	cargo machete
	cargo deny --locked --log-level error check bans licenses sources
	@if timeout 120 cargo deny --locked --log-level off fetch db; then \
		cargo deny --locked --log-level error check --disable-fetch advisories; \
	else \
		echo "********** NOT CHECKED: known holes of the dependencies. The advisory database cannot be fetched from here. **********" >&2; \
	fi

.PHONY: check-typescript
check-typescript: sdk-typescript
	npm run typecheck --silent --workspace plugin-sdk/typescript --workspace plugin-sdk/typescript-shell --workspace plugin-sdk/host
	npx --no-install eslint .

.PHONY: check-python
check-python:
	$(call need,python3:python3)
	plugin-sdk/python/make-venv "$(abspath target/python-tests)" test,lint
	"$(abspath target/python-tests)/bin/python3" -m ruff check .
	"$(abspath target/python-tests)/bin/python3" -m ruff format --check .
	cd plugin-sdk/python && "$(abspath target/python-tests)/bin/python3" -m mypy

.PHONY: clean
clean: ## Remove what was built, and the data of `make run`
	cargo clean
	rm -rf target
