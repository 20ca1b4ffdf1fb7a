# Everything runs in .venv, made here from Python 3.11 or later and the versions in constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV_INSTALLED := $(VENV)/.dev-installed
# Half a gigabyte, which only these tests need. Apart, so that it can be installed while other tests run.
SPARK_VENV := .venv-spark
SPARK_INSTALLED := $(SPARK_VENV)/.installed
PACKAGES := import sysconfig; packages = sysconfig.get_path("purelib")
# Apart, so that the scanner's own packages are none of ours.
AUDIT_VENV := .venv-audit
AUDIT_INSTALLED := $(AUDIT_VENV)/.installed
# Scanners of the Terraform configuration; what they need does not agree with the project's own packages.
CHECKOV_VENV := .venv-checkov
CHECKOV_INSTALLED := $(CHECKOV_VENV)/.installed
# Python compiles a module when it is first imported, and most of what is installed never is. Where it were told not to
# keep what it compiled, every process would compile again all that it imports.
INSTALL := install --quiet --disable-pip-version-check --no-compile
unexport PYTHONDONTWRITEBYTECODE
# $(call environment,FOLDER): a new one. The pip that comes with Python may be years old, and take twice as long as this one.
environment = $(PYTHON) -m venv $(1) && $(1)/bin/pip $(INSTALL) -c constraints.txt --upgrade pip
# What installs into .venv; .ci/run names another program that takes pip's arguments.
PIP := $(BIN)/pip
# Of make test: more than there are processors, since tests wait now and then.
WORKERS ?= 3
# Of make soak, on disk and again on S3.
MINUTES ?= 5
SEED ?= 1
DRIFT_SEEDS ?= 1000
SOAK = for storage in local s3; do \
  $(BIN)/python -m openlib_assets_tests.whole.soak --minutes $(MINUTES) --seed $(SEED) --storage $$storage || exit 1; done
export DAGSTER_HOME ?= $(CURDIR)/.dagster_home

.PHONY: help demo demo-ui test test-readme test-ui test-dumps test-spreadsheets test-s3 test-database test-deployed test-terraform test-spark audit bench bench-dumps bench-spark bench-scaling soak soak-short check dev docs pictures presentation clean

help: ## This list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 15

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11 to 3.13 is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(call environment,$(VENV))

# What setuptools has to say of every package that is installed as it stands in its folder.
$(INSTALLED) $(DEV_INSTALLED): export PYTHONWARNINGS = ignore:Editable installation

$(INSTALLED): $(BIN)/pip pyproject.toml constraints.txt
	$(PIP) $(INSTALL) -c constraints.txt -e .
	@touch $@

$(DEV_INSTALLED): $(INSTALLED)
	$(PIP) $(INSTALL) -c constraints.txt -e '.[deploy,test,check,ui,dg]'
	@touch $@

# Its wheel is built here, and packing it tightly would take as long as all else. What else the tests need is the project's.
$(SPARK_INSTALLED): $(BIN)/pip pyproject.toml constraints.txt
	$(call environment,$(SPARK_VENV))
	$(SPARK_VENV)/bin/pip $(INSTALL) --no-deps -c constraints.txt --config-settings=--build-option=--compression=stored \
	  pyspark py4j googleapis-common-protos grpcio-status zstandard
	$(BIN)/python -c '$(PACKAGES); print(f"import site; site.addsitedir({packages!r})")' > \
	  "$$($(SPARK_VENV)/bin/python -c '$(PACKAGES); print(packages)')/project.pth"
	@touch $@

$(AUDIT_INSTALLED):
	$(call environment,$(AUDIT_VENV))
	$(AUDIT_VENV)/bin/pip $(INSTALL) pip-audit==2.10.1
	@touch $@

$(CHECKOV_INSTALLED): infra/terraform/scanners.txt
	$(call environment,$(CHECKOV_VENV))
	$(CHECKOV_VENV)/bin/pip $(INSTALL) -r infra/terraform/scanners.txt
	@touch $@

demo: $(INSTALLED) ## The main job on the sandbox Open Library, offline
	$(BIN)/openlib demo

demo-ui: $(INSTALLED) ## The Dagster UI on the demo's data, and the sandbox behind it
	$(BIN)/openlib demo --ui

dev: $(INSTALLED) ## The Dagster UI on your own data
	@mkdir -p $(DAGSTER_HOME) && { [ -e $(DAGSTER_HOME)/dagster.yaml ] || cp openlib_assets/defs/instance/dagster.yaml $(DAGSTER_HOME); }
	$(BIN)/dagster dev

test: $(DEV_INSTALLED) ## All tests that need only Python
	.ci/in_memory $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-readme: $(DEV_INSTALLED) ## Every command of README and docs/operations.md, where just what make demo installs is there
	$(BIN)/python -m pytest -m readme openlib_assets_tests/docs

test-ui: $(DEV_INSTALLED) ## The Dagster UI in a real browser (needs chromium)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m ui openlib_assets_tests/ui

test-dumps: $(DEV_INSTALLED) ## Larger dumps than those of make test against the reference, and a million texts for each rule, some minutes
	$(BIN)/python -m pytest -n 2 -m dumps openlib_assets_tests/lake/dumps openlib_assets_tests/whole

test-spreadsheets: $(DEV_INSTALLED) ## CSV files for spreadsheets, opened by one (needs LibreOffice Calc)
	$(BIN)/python -m pytest -m libreoffice openlib_assets_tests/lake

test-s3: $(DEV_INSTALLED) ## The storage and the pipeline on a real S3 server, Ceph's RGW (needs radosgw, ceph-mon, ceph-osd)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m s3_server openlib_assets_tests/s3_server

test-spark: $(DEV_INSTALLED) $(SPARK_INSTALLED) ## The catalogue on a Spark cluster of two workers, and the aggregates' SQL on Spark (needs Java)
	$(SPARK_VENV)/bin/python -m pytest -m spark openlib_assets_tests/spark

test-database: $(DEV_INSTALLED) ## The warehouse in a real PostgreSQL (needs its server)
	$(BIN)/python -m pytest -m database openlib_assets_tests/database

test-deployed: $(DEV_INSTALLED) ## The deployment's files and processes (needs PostgreSQL's server, Ceph's as for test-s3, and npm)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m deployed openlib_assets_tests/deployed

audit: $(AUDIT_INSTALLED) ## Known vulnerabilities of all that is installed (asks PyPI's advisories)
	$(AUDIT_VENV)/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

test-terraform: $(DEV_INSTALLED) $(CHECKOV_INSTALLED) ## The Terraform configuration: static, with mocks, applied to moto, its rights on an S3 server (needs terraform, and what test-s3 needs)
	$(BIN)/python -m pytest -m terraform -n 2 --dist loadfile openlib_assets_tests/infra

bench: $(DEV_INSTALLED) ## Pace, speed and memory on the sandbox, about 25 minutes; the tables go into docs/benchmarks.md and the README
	$(BIN)/python -m benchmarks --bench docs/benchmarks.md --headlines README.md

bench-dumps: $(DEV_INSTALLED) ## The catalogue from a dump of two million works, about 5 minutes and 3 GB of disk
	$(BIN)/python -m benchmarks --dumps docs/dumps.md

bench-spark: $(DEV_INSTALLED) $(SPARK_INSTALLED) ## The same on Spark with one worker and two, beside DuckDB (needs Java), of a million works; others with WORKS=2000000, which take about 25 minutes
	$(SPARK_VENV)/bin/python -m benchmarks --dumps docs/scaling.md --engine spark $(if $(WORKS),--works $(WORKS))

bench-scaling: $(DEV_INSTALLED) ## As many works and subjects as docs/scaling.md speaks of, about 10 minutes and 6 GB of disk
	$(BIN)/python -m benchmarks --scaling docs/scaling.md

soak: $(DEV_INSTALLED) ## Runs under faults, kills, full disks and a failing S3; first 1,000 seeds of a catalogue that changes; five minutes on disk and five on S3, more with MINUTES=30
	DRIFT_SEEDS=$(DRIFT_SEEDS) $(BIN)/python -m pytest -q -n 2 openlib_assets_tests/openlibrary/test_drift.py -k whatever_comes_and_goes
	$(SOAK)

soak-short: MINUTES = 0.1
soak-short: $(DEV_INSTALLED) ## A few rounds of the same; a catalogue that changes is the business of make test
	$(SOAK)

check: $(DEV_INSTALLED) ## Lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(DEV_INSTALLED) ## Make again what is generated: data dictionary, contract, SQL in other dialects, sample output, Glue tables
	$(BIN)/python -m openlib_assets_tests.docs.generated .

pictures: $(DEV_INSTALLED) ## The pictures in the README, of the sandbox (needs chromium)
	$(BIN)/python -m openlib_assets_tests.docs.pictures docs/pictures

presentation: $(DEV_INSTALLED) ## The presentation, to HTML and to PDF (needs chromium)
	$(BIN)/python -m openlib_assets_tests.docs.presentation docs/presentation

clean: ## Remove the environment, the demo and what tests left
	rm -rf $(VENV) $(SPARK_VENV) $(AUDIT_VENV) $(CHECKOV_VENV) demo test-results .pytest_cache .mypy_cache .ruff_cache
