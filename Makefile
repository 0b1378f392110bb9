PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: demo test checkpoints

demo: .venv/app-installed
	@echo "The app will be at http://127.0.0.1:$(PORT)"
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/tests-installed
	sh tests/install_browser.sh $(BIN)
	$(BIN)/python -m pytest

checkpoints: .venv/app-installed
	for name in vae-dense-2d vae-dense cvae-dense cvae-small ae-dense cvae-inpaint-center vae-conv cvae-onehot cvae-conv dae-conv cvae-inpaint judge ae-dense-faces ae-conv-faces vae-conv-faces smile-judge; do $(BIN)/python train.py $$name --overwrite || exit 1; done
	$(BIN)/python evaluate.py judge vae-dense-2d vae-conv cvae-conv dae-conv cvae-inpaint \
		smile-judge ae-dense-faces ae-conv-faces vae-conv-faces

.venv/app-installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -r requirements.txt
	touch $@

.venv/tests-installed: requirements-dev.txt requirements-extra.txt .venv/app-installed
	$(BIN)/pip install -r requirements-dev.txt
	touch $@
