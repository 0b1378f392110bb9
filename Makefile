PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
SEED ?= $(shell date +%s)
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --random-order-seed=$(SEED)
UNIT := $(PYTEST) --ignore tests/e2e
NUMBERS := $(addprefix tests/test_, browser.py gaussian.py losses.py maps.py models.py morphology.py preprocess.py \
	programs.py reference.py sliders.py tasks.py)

.PHONY: demo test test-unit test-fast test-numbers serve-check lint checkpoints kernel

demo: .venv/app-installed
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/tests-installed
	sh tests/install_browser.sh $(BIN)
	$(UNIT)
	$(PYTEST) tests/e2e || $(PYTEST) tests/e2e --last-failed # a browser that waited too long is asked once more

test-unit: .venv/tests-installed
	$(UNIT)

test-fast: .venv/tests-installed
	$(UNIT) -m "not slow"

test-numbers: .venv/tests-installed
	$(PYTEST) $(NUMBERS) -m "not slow"

serve-check: .venv/tests-installed # needs nginx or Caddy: apt-get install nginx-light caddy
	sh tests/install_browser.sh $(BIN)
	$(BIN)/python -m pytest tests/test_deploy.py tests/e2e/test_proxy.py tests/e2e/test_strangers.py

lint: .venv/tests-installed
	$(BIN)/ruff check .
	$(BIN)/mypy
	@if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint Dockerfile; fi
	@if command -v npm > /dev/null && $(MAKE) --no-print-directory node_modules/.installed; then \
		node_modules/.bin/biome lint ui cvae tests; \
	else echo "npm is missing or cannot install Biome, so JavaScript is not linted."; fi

node_modules/.installed: package-lock.json
	npm ci --no-audit --no-fund
	touch $@

checkpoints: .venv/app-installed
	$(BIN)/python train.py all
	$(BIN)/python evaluate.py judge smile-judge
	$(BIN)/python evaluate.py --all --keep
	$(BIN)/python evaluate.py --sliders cvae-conv cvae-dense cvae-onehot cvae-small vae-conv vae-dense
	for name in vae-dense-2d vae-conv cvae-conv; do $(BIN)/python evaluate.py --map $$name || exit 1; done

kernel: cvae/browser/kernel.wasm # needs: pip install ziglang==0.17.1

cvae/browser/kernel.wasm: cvae/browser/kernel.c cvae/browser/build.py
	$(BIN)/python -m cvae.browser.build $@

.venv/app-installed: requirements.txt requirements-serve.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -r requirements.txt
	touch $@

.venv/tests-installed: requirements-dev.txt requirements-extra.txt .venv/app-installed
	$(BIN)/pip install -r requirements-dev.txt
	touch $@
