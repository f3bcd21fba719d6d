# make install   a virtual environment in .venv with everything
# make demo      the main job, end to end: serve, check, load, audit, report
# make test      everything that CI runs
# make fuzz      20,000 generated requests against the reference server: no 5xx, no broken connection
# make bench-suite   what the suite costs beside its floors: rows S1 to S5, into benchmarks/suite/results
# make coverage-page   write conformance/COVERAGE.md from the register
# make real NAMES="llama.cpp portkey"   install, start and judge servers that nobody here wrote, into reports/real
# make real-test   judge all of them again: what is found is what was triaged
# make real-table  write the README's table of them from the committed reports
# make selftest  every fault, every variant and 200 mixtures of them tried against the suite
# make mutants MODULES="sse checks/chat"   change the judge as a mutation tool does: each change is noticed
# make mutants-quick SEED=7   a few of these changes, drawn from a seed, in half a minute
# make audit     the audit of the bill against every billing fault
# make chaos     256 clients that break off and 5 kills in a minute, on SQLite and PostgreSQL: the books agree
# make load-faults   load runs whose endpoint stalls, whose master is killed, and more that takes its time
# make audit-clean   100,000 requests, many cut off anywhere, and not one discrepancy in the bill
# make soak      half an hour at half of what the server can do: the bill adds up, and memory stays flat
# make soak-quick    the same in a minute
# make bench-loadgen rows L1 to L11 of the load generator beside its floor, and the other tools (pinned, on demand)
# make bench-server   rows G1 to G8 of the reference server, each beside its floor; needs wrk
# make openapi   install Schemathesis, and hold the server to its published descriptions
# make real-clients   install the clients that nobody here wrote, and hold what they hand to their users
# make clean     remove what these made
# Once .venv exists, none of them needs a network.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: audit load-faults audit-clean soak soak-quick bench-loadgen bench-server real-clients openapi chaos install demo selftest test lint types layers tests coverage-page fuzz bench-suite mutants mutants-quick real real-test real-table clean

install: $(STAMP)

# The stamp is older than these files only when the dependencies may have changed.
$(STAMP): pyproject.toml tests/pins.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wiremark needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint tests/pins.txt
	@touch $@

demo: install
	@$(BIN)/wiremark demo

selftest: install
	@$(BIN)/wiremark selftest --json out/selftest.json --html out/selftest.html

# One draw for every change, so that a change is what makes it fail; the daily job makes all of them.
test: SEED ?= 1
test: lint types layers tests mutants-quick selftest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

tests: install
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench-suite: install
	$(BIN)/python benchmarks/suite/run.py

fuzz: install
	$(BIN)/python tests/fuzz.py $(FUZZ)

coverage-page: install
	$(BIN)/wiremark requirements --coverage > conformance/COVERAGE.md

# The audit of the bill against every billing fault of the catalogue.
audit: install
	WIREMARK_LONG=1 $(BIN)/python -m pytest tests/system/test_audit_finds_faults.py

real: install
	$(BIN)/python tests/real/servers.py judge $(NAMES)

real-test: install
	WIREMARK_LONG=1 $(BIN)/python -m pytest tests/real

real-table: install
	$(BIN)/python tests/real/server_table.py

mutants: install
	$(BIN)/python -m tests.mutation.run $(MODULES)

mutants-quick: install
	$(BIN)/python -m tests.mutation.run --quick $(if $(SEED),--seed $(SEED))

chaos: install
	$(BIN)/python -m wiremark_loadtests.chaos
	$(BIN)/python -m wiremark_loadtests.chaos --store postgresql

real-clients: install
	WIREMARK_REAL=install $(BIN)/python -m pytest tests/real/clients

load-faults: install
	WIREMARK_LONG=1 $(BIN)/python -m pytest tests/system/test_load_bad_input.py

# Every published document, held to a running server by a checker that nobody here wrote.
openapi: install
	WIREMARK_REAL=install $(BIN)/python -m pytest tests/real/test_openapi_checker.py

audit-clean: install
	$(BIN)/python benchmarks/loadgen/audit_clean.py

soak: install
	$(BIN)/python benchmarks/loadgen/soak.py

soak-quick: install
	$(BIN)/python benchmarks/loadgen/soak.py --quick

bench-loadgen: install
	$(BIN)/python benchmarks/loadgen/run.py --install
	$(BIN)/python benchmarks/loadgen/ours.py

bench-server: install
	$(BIN)/python benchmarks/server/run.py

clean:
	rm -rf .venv .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache out
