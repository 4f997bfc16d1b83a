# `make demo` needs Python alone; the other targets also install what the tests need. All stay inside this folder.
PYTHON ?= python3
DEMO := .venv-demo
TEST := .venv-test
DOCS := .venv-docs

.PHONY: demo test test-all test-slow web bench docs clean

demo: $(DEMO)/installed
	@$(DEMO)/bin/mien predict examples/astronaut.jpg --annotate demo

test: $(TEST)/installed
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	OMP_NUM_THREADS=1 $(TEST)/bin/python -m pytest -n 2 --dist loadfile

test-all: test test-slow

test-slow: $(TEST)/installed web
	$(TEST)/bin/python -m pytest -m slow

# The page, with Node 20: into web/dist, and into the package for the wheel.
web:
	cd web && npm install --silent --no-audit --no-fund --no-package-lock && node build.mjs

bench: $(TEST)/installed
	$(TEST)/bin/mien bench examples/astronaut.jpg

# The site, into site/.
docs: $(DOCS)/installed
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo site/index.html

$(DEMO)/installed: pyproject.toml $(shell find src -type f -not -name '*.pyc')
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/pip install --quiet --disable-pip-version-check .
	@touch $@

$(TEST)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TEST)
	$(TEST)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[onnx,lab,video,serve,batch,dev]'
	@touch $@

$(DOCS)/installed: pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --disable-pip-version-check '.[docs]'
	@touch $@

clean:
	rm -rf $(DEMO) $(TEST) $(DOCS) demo site build dist web/node_modules web/dist src/mien/serving/page
