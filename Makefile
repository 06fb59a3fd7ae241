# make run   the main job on the embedded study        make test  every test
# make check style, types, import order, map scripts   make bench benchmarks, as ratios against the peers
# make defaults  write defaults.toml anew from geosettle/settings
# make validate  write docs/validation.md: numbers and intervals against independent tools (some 10 minutes)
# make docs  the documentation site, in build/docs               make fuzz  ten minutes of broken files, led by coverage
# make sbom  bill of materials (CycloneDX) and licences of third parties, into build/
# make lowest  the tests with the oldest versions that pyproject.toml allows; make prereleases: with those that come next
# make wheel  the wheel, in dist/, installed alone into an empty environment, runs the template study
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
LOWEST := $(subst $(VENV),.venv-lowest,$(BIN))
NEXT := $(subst $(VENV),.venv-prereleases,$(BIN))
ALONE := $(subst $(VENV),build/wheel/venv,$(BIN))
READY := $(VENV)/.ready

.DEFAULT_GOAL := run
.PHONY: run test check bench validate defaults docs fuzz sbom lock lowest prereleases wheel previews clean

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
	$(BIN)/uv pip install -q --python $(LOWEST)/python --resolution lowest-direct -e . --group dev "pyparsing<3.3"
	$(LOWEST)/python -m pytest -q -n 2 --ignore=tests/browser -k "not previews"

prereleases: $(READY)
	$(PYTHON) -m venv .venv-prereleases
	$(BIN)/uv pip install -q --python $(NEXT)/python --prerelease allow -e . --group dev
	$(NEXT)/python -m pytest -q -n 2 --ignore=tests/browser -k "not previews"

wheel: $(READY)
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m hatchling build -t wheel -d dist
	$(PYTHON) -m venv build/wheel/venv
	$(ALONE)/python -m pip install --quiet --disable-pip-version-check dist/geosettle-*.whl
	cd build/wheel && ../../$(ALONE)/geosettle init mine
	cd build/wheel && ../../$(ALONE)/geosettle run mine -o out

defaults: $(READY)
	$(BIN)/python -m geosettle.settings

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

clean:
	rm -rf $(VENV) .venv-lowest .venv-prereleases build dist
