# Everything starts here: `make demo`, `make test`; `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAM_VENV := .venv-sam
MINISTACK_VENV := .venv-ministack
CHECKOV_VENV := .venv-checkov
SAGEMAKER_VENV := .venv-sagemaker
PEERS_VENV := .venv-peers
SCANS ?=
# A process for each core takes a file of tests at a time, in the order of tests/conftest.py.
BY_FILE := -n auto --dist loadfile --no-loadscope-reorder

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export TF_CPP_MIN_LOG_LEVEL := 2
# What Python compiled it keeps: without, each of the tests' processes compiles all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint unit chaos integration browser walkthrough page docs bench coverage sbom licenses release sam pythons test-container measure-container container-tools lock clean

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-14s %s\n", $$1, $$2}'

demo: $(VENV)/.local  ## Upload scans to the laptop stack and show the findings; SCANS=PATH takes your own.
	$(BIN)/brainscan demo $(if $(SCANS),"$(SCANS)")

test: lint unit integration browser  ## Set up and pass every check and test of this machine.

lint: $(VENV)/.dev  ## ruff, mypy and cfn-lint.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml infra/monitoring.yaml

unit: $(VENV)/.dev  ## Pure code and in-process AWS; minutes. COVERED=1 measures branch coverage and holds its floors.
	$(BIN)/python -m pytest -q $(BY_FILE) $(if $(COVERED),--cov --cov-report=) tests/unit tests/chaos
	$(if $(COVERED),$(MAKE) floors)

chaos: $(VENV)/.dev  ## 100,000 events with faults, and one large export, in simulated time: docs/reliability.md.
	$(BIN)/python -m tests.chaos

coverage:  ## The unit tier with branch coverage.
	$(MAKE) unit COVERED=1

# Least branch coverage of a room by the unit tier, percent.
FLOORS := pipeline:90 store:90 dicom:90 series:90

.PHONY: floors
floors:
	$(BIN)/python -m coverage report --skip-covered --skip-empty
	@for floor in $(FLOORS); do echo "$${floor%:*}, at least $${floor#*:} %:"; $(BIN)/python -m coverage report \
	  --include "*/brainscan/$${floor%:*}/*" --format total --fail-under "$${floor#*:}" || exit 1; done

sbom: $(VENV)/.dev  ## Bills of materials (CycloneDX) of layer and image, from their locks.
	mkdir -p out/release
	for lock in layer image; do $(BIN)/python -m cyclonedx_py requirements requirements/$$lock.txt --pyproject pyproject.toml \
	  --output-reproducible --of JSON -o out/release/$$lock.cdx.json || exit 1; done

licenses: $(VENV)/.dev  ## What dependencies of layer, image and laptop stack may be used under; fails on any other licence.
	$(BIN)/python -m piplicenses --packages $$(sed -nE 's/^([A-Za-z0-9_.-]+)(\[.*\])?==.*/\1/p' requirements/layer.txt requirements/image.txt requirements/local.txt)

release: $(VENV)/.dev  ## Wheels, layer and image in out/release with their digests and bills of materials.
	$(BIN)/python infra/release.py out/release
	$(MAKE) sbom

integration: $(VENV)/.dev  ## The laptop stack end to end, and SageMaker's own toolkit where a C compiler builds it; minutes.
	$(MAKE) $(SAGEMAKER_VENV)/.done || echo "SageMaker's toolkit could not be built; its tests are skipped"
	$(BIN)/python -m pytest -q $(BY_FILE) tests/integration

pythons: $(VENV)/.dev  ## The wheel in empty environments of every supported Python that is found here; minutes.
	BRAINSCAN_EVERY_PYTHON=1 $(BIN)/python -m pytest -q tests/integration/test_wheel.py

test-container: container-tools  ## The real image, SAM local and an AWS-shaped stack; root on Debian, minutes.
	$(BIN)/python -m pytest -q --timeout 900 tests/container

measure-container: container-tools  ## Cold start, latency, throughput and memory of the image: docs/container.md.
	$(BIN)/python -m tests.container.measure

container-tools: $(VENV)/.dev $(SAM_VENV)/.done $(MINISTACK_VENV)/.done
	@tests/container/install.sh

browser: $(VENV)/.dev  ## The worklist page in Chromium, where that is installed; minutes.
	$(MAKE) page $(ISSUER)/node_modules/.done || echo "npm is needed for the DICOM viewer and for a provider to sign in at; their tests are skipped"
	$(BIN)/python -m pytest -q $(BY_FILE) tests/browser

walkthrough: $(VENV)/.dev  ## Walk through docs/walkthrough.md in Chromium, and take its pictures anew; minutes.
	BRAINSCAN_SCREENSHOTS=docs/walkthrough $(BIN)/python -m pytest -q tests/browser/test_walkthrough.py

ISSUER := tests/browser/issuer

$(ISSUER)/node_modules/.done: $(ISSUER)/package.json $(ISSUER)/package-lock.json
	cd $(ISSUER) && npm ci --no-audit --no-fund --silent
	@touch $@

PAGE := layers/brainscan

page: $(PAGE)/brainscan/api/static/vendor/niivue.js  ## Build the page's DICOM viewer with npm.

$(PAGE)/brainscan/api/static/vendor/niivue.js: $(PAGE)/package.json $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci --no-audit --no-fund && npm run --silent build

docs: $(VENV)/.dev  ## Write docs/api.md from the OpenAPI document, and docs/conformance.md from the code's tables.
	BRAINSCAN_RESULTS_BUCKET=any BRAINSCAN_TABLE_NAME=any $(BIN)/python -m brainscan.api.reference > docs/api.md
	$(BIN)/python -m brainscan.gateway.conformance > docs/conformance.md

bench: $(VENV)/.dev $(PEERS_VENV)/.done  ## Side by side with Keras, ONNX Runtime and OpenVINO: the table of docs/performance.md.
	$(BIN)/python -m tests.bench

sam: $(SAM_VENV)/.done $(CHECKOV_VENV)/.done  ## sam validate --lint, and checkov.
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(SAM_VENV)/bin/sam validate --lint --template template.yaml
	$(CHECKOV_VENV)/bin/checkov --config-file .checkov.yaml --file template.yaml infra/monitoring.yaml

lock: $(VENV)/.dev  ## Compile requirements/*.txt from pyproject.toml.
	$(BIN)/python -m uv pip compile pyproject.toml --extra dev $(LOCK) -o requirements/dev.txt
	$(BIN)/python -m uv pip compile pyproject.toml --extra report --override requirements/not-in-layer.txt $(LOCK) -c requirements/dev.txt -o requirements/layer.txt
	$(BIN)/python -m uv pip compile pyproject.toml --override requirements/not-in-image.txt $(LOCK) -c requirements/dev.txt -o requirements/image.txt
	$(BIN)/python -m uv pip compile pyproject.toml --extra local $(LOCK) -c requirements/dev.txt -o requirements/local.txt
	echo aws-sam-cli | $(BIN)/python -m uv pip compile - --no-config $(LOCK) -o requirements/sam.txt
	echo 'ministack[full]' | $(BIN)/python -m uv pip compile - --no-config $(LOCK) -o requirements/ministack.txt
	echo checkov | $(BIN)/python -m uv pip compile - --no-config $(LOCK) -o requirements/checkov.txt
	printf 'sagemaker-training\npip\n' | $(BIN)/python -m uv pip compile - --no-config $(LOCK) -o requirements/sagemaker.txt
	printf '%s\n' onnx onnxruntime openvino pillow tensorflow-cpu tf2onnx | $(BIN)/python -m uv pip compile - --no-config $(LOCK) -o requirements/peers.txt
	printf 'awslambdaric\npip\n' | $(BIN)/python -m uv pip compile - --no-config $(LOCK) -o requirements/base.txt

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

clean:  ## Remove what the targets made.
	rm -rf $(VENV) $(SAM_VENV) $(MINISTACK_VENV) $(CHECKOV_VENV) $(SAGEMAKER_VENV) $(PEERS_VENV) out .aws-sam build *.egg-info layers/*/*.egg-info layers/*/build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "brainscan needs Python 3.11 to 3.13; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# uv installs in a tenth of pip's time; pip brings it, at the version of the lock.
INSTALL := $(VENV)/bin/python -m uv pip install --no-config --quiet

$(BIN)/uv: requirements/dev.txt | $(BIN)/python
	sed -n '/^uv==/,/[^\\]$$/p' $< > $(VENV)/uv.txt
	$(BIN)/pip install --quiet --require-hashes -r $(VENV)/uv.txt
	@touch $@

$(VENV)/.local: requirements/local.txt pyproject.toml layers/brainscan_local/pyproject.toml | $(BIN)/uv
	$(INSTALL) --python $(BIN)/python --require-hashes --requirement requirements/local.txt
	$(INSTALL) --python $(BIN)/python --no-deps --editable . --editable layers/brainscan_local
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml layers/brainscan_local/pyproject.toml | $(BIN)/uv
	$(INSTALL) --python $(BIN)/python --require-hashes --requirement requirements/dev.txt
	$(INSTALL) --python $(BIN)/python --no-deps --editable . --editable layers/brainscan_local
	@touch $@ $(VENV)/.local

$(SAM_VENV)/.done $(MINISTACK_VENV)/.done $(CHECKOV_VENV)/.done $(SAGEMAKER_VENV)/.done $(PEERS_VENV)/.done: .venv-%/.done: requirements/%.txt | $(BIN)/uv
	$(BIN)/python -m venv .venv-$*
	$(INSTALL) --python .venv-$*/bin/python --require-hashes --requirement $<
	@touch $@
