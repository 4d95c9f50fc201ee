# One command on a fresh machine: `make demo` (the workshop on real packets) or `make test`.
# Needed beforehand: git, make, Python 3.11+, Rust, a C++ compiler. The rest is installed, into this folder but for Debian packages.

SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-cluster check verify bench setup faults clean

help:  ## one line per target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 20

setup:  ## install and build what is missing: Debian packages (as root), .venv, engine, console
	@$(PYTHON) dev/setup.py

demo: setup  ## the workshop, command by command, on real packets; then the console
	@$(BIN)/python -m kodkod.cli.app demo

test: setup  ## checks and every test; ends with a line of sums
	@$(BIN)/python dev/suites.py all

test-quick: setup  ## unit tests without namespaces, browser, servers
	@$(BIN)/python dev/suites.py quick

test-cluster: setup  ## the suite on a real Kubernetes: KODKOD_TEST_KUBECONFIG, else one started here (root, Go)
	@$(BIN)/python dev/cluster.py

check: setup  ## formatters, linters and type checkers of all three languages
	@$(BIN)/python dev/suites.py check

verify: setup  ## corpus runners over KODKOD_CORPORA (SUITES="kubectl walkthrough ...")
	@$(BIN)/python -m bench.verify $(SUITES)

bench: setup  ## throughput, memory, start-up, store and API (BENCH=engine, PEERS=1 for Suricata beside us)
	@$(BIN)/python -m bench $(BENCH)

faults: setup  ## kill -9 two hundred times under traffic, with an account of what was promised (KILLS=200 SEED=4)
	@$(BIN)/python -m tests.faults kill9 --kills $(or $(KILLS),200) --seed $(or $(SEED),4)

clean:  ## remove what was built here (not Debian packages)
	rm -rf .venv target web/node_modules src/kodkod/server/web src/kodkod/_core*.so bench/results bench/data
