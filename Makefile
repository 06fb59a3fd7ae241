# make run   the main job on the embedded study        make test  every test
# make check style, types, import order, map scripts   make bench benchmarks, as ratios against the peers
# make defaults  write defaults.toml anew from geosettle/settings
# make validate  write docs/validation.md: numbers and intervals against independent tools (some 10 minutes)
# make docs  the documentation site, in build/docs               make fuzz  ten minutes of broken files, led by coverage
# make sbom  bill of materials (CycloneDX) and licences of third parties, into build/
# make lowest  the tests with the oldest versions that pyproject.toml allows (needs uv)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready

.DEFAULT_GOAL := run
.PHONY: run test check bench validate defaults docs fuzz sbom lock lowest previews clean

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "geosettle needs Python 3.11 or newer; say which with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY)
	@$(BIN)/geosettle run -o maps/southern_xinjiang

test: $(READY)
	$(BIN)/python -m pytest -q -n 2

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@PYTHON=$(BIN)/python tests/check_scripts.sh

bench: $(READY)
	$(BIN)/python -m pytest -q tests/bench_main_job.py --benchmark-columns=min,median,rounds
	@for f in $(filter-out tests/bench_main_job.py,$(wildcard tests/bench_*.py)); do echo "== $$f"; $(BIN)/python $$f || exit 1; done

validate: $(READY)
	$(BIN)/python tests/validation

fuzz: $(READY)
	$(BIN)/python tests/fuzz_io.py

sbom: $(READY)
	$(BIN)/python tests/sbom.py

previews: $(READY)
	$(BIN)/python tests/previews.py

lock:
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --constraint requirements.lock --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o requirements-run.lock

# The pictures checked in are those of the locked versions. What matplotlib 3.9 calls of pyparsing warns from 3.3 on.
lowest: $(READY)
	$(PYTHON) -m venv .venv-lowest
	$(BIN)/uv pip install -q --python .venv-lowest/bin/python --resolution lowest-direct -e . --group dev "pyparsing<3.3"
	.venv-lowest/bin/python -m pytest -q -n 2 --ignore=tests/browser -k "not previews"

defaults: $(READY)
	$(BIN)/python -m geosettle.settings

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

clean:
	rm -rf $(VENV) .venv-lowest build dist
