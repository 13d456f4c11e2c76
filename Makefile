# make report · make test · make test-slow · make preview · make lab · make notebooks · make bench: each sets up .venv by itself
QUARTER ?= 2024Q2
PYTHON ?= python3
RUN := .venv/bin/python

.PHONY: report test test-slow preview lab notebooks bench lock
report: .venv/report.installed
	$(RUN) -m analysis build $(QUARTER)

test: .venv/test.installed
	$(RUN) -m pytest

test-slow: .venv/lab.installed
	$(RUN) -m pytest -m slow

preview: .venv/lab.installed
	$(RUN) -m analysis preview $(QUARTER)

lab: .venv/lab.installed
	$(RUN) -m jupyter trust notebooks/*.ipynb
	$(RUN) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00_summary.ipynb $(LAB) \
		--FileContentsManager.pre_save_hook=analysis.publish.execute.clean_before_saving

notebooks: .venv/report.installed
	$(RUN) -m analysis notebooks

bench: .venv/test.installed
	$(RUN) -m benchmarks

# An environment whose making was broken off, or that came along when the project's folder was copied or moved, and so
# would run the code and the data of the other folder, is made anew.
ifneq ($(shell [ "$$(cat .venv/place 2>&1)" = "$$(pwd -P)" ] && $(RUN) -c "" && echo whole),whole)
.PHONY: .venv/place
endif

# The stamp of each purpose: its pinned packages, and this project itself, by a path from there to here: the full one, with
# an umlaut in it, ends Python 3.12 before it starts where the locale is C.
.venv/report.installed: requirements.lock
.venv/test.installed: requirements-test.lock
.venv/lab.installed: requirements-lab.lock
.venv/%.installed: pyproject.toml .venv/place
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(filter %.lock,$^)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(RUN) -c 'import os, sysconfig as s; p = s.get_path("purelib"); open(f"{p}/analysis.pth", "w").write(os.path.relpath(".", p))'
	touch $@

.venv/place:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	@pwd -P > $@

# For maintainers, with uv installed: pin every version with its hashes.
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock" --quiet --extra build
lock:
	$(COMPILE) -o requirements.lock
	$(COMPILE) --constraint requirements.lock --extra test -o requirements-test.lock
	$(COMPILE) --constraint requirements.lock --extra test --extra lab -o requirements-lab.lock
