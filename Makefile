# Everything a reader needs: make demo, make test, make install. The work is done by the scripts in tests/lib.
# PG_CONFIG chooses a Postgres (15 to 18); without it the distribution's is taken, and installed if missing.
export PG_CONFIG JOBS SUITES TEST ACCEPT ENGINES BENCH BENCH_SECONDS BENCH_ROUNDS BENCH_ONLY
PROFILE ?= release

.DEFAULT_GOAL := help
.PHONY: help setup build install demo stop test test-newest accept bench lint check-versions clean distclean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

setup: ## install what is missing: packages, cargo-pgrx
	@tests/lib/setup.sh test

build: ## build an optimised extension into build/
	@tests/lib/setup.sh build
	@tests/lib/build.sh $(PROFILE)

install: build ## build and install into the Postgres of PG_CONFIG
	@tests/lib/install.sh $(PROFILE)

demo: ## install, start a private server and show the main job
	@tests/lib/demo.sh

stop: ## end the private servers
	@tests/lib/stop.sh

test: ## run all tests (ENGINES=table SUITES=stories TEST=check narrows)
	@tests/lib/test.sh

test-newest: ## stories and isolation specs on Postgres 18, from a Python wheel
	@tests/lib/newest.sh

accept: ## take the results of stories and specs as expected ones (TEST=... narrows)
	@ACCEPT=1 ENGINES="$(or $(ENGINES),table)" SUITES="$(or $(SUITES),stories isolation)" tests/lib/test.sh

bench: ## measure beside peers: table and chart in build/bench (BENCH=quick: three minutes)
	@tests/lib/bench.sh $(PROFILE)

lint: ## formatting, clippy, shell and house rules
	@tests/lib/lint.sh

check-versions: ## compile against the headers of Postgres 16, 17 and 18
	@tests/lib/versions.sh

clean: ## end servers and remove build/, except the tools
	@tests/lib/clean.sh

distclean: ## remove build/ and target/
	@tests/lib/clean.sh all
