# Every command sets up what it needs first. `make demo` runs the whole system, `make test` tests it.

PYTHON ?= python3
BIN := .venv/bin
# More than there are cores: tests that drive browsers mostly wait.
WORKERS ?= $(shell expr $$(nproc) + 2)
N ?= 20000
SEED ?= 1
SECONDS ?= 60
SIZE ?= 1000
KILLS ?= 50
BROWSERS ?= firefox chromium
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: demo test test-browsers test-faults test-stores check bench bench-load bench-desk bench-sweep fuzz requirements catalogues language pictures machine-run machine-test machine-stores machine-install test-tor test-install release deb clean

demo: machine-run .venv/ready
	@$(BIN)/python demo/run.py $(if $(RECORDING),--recording "$(RECORDING)") $(if $(ONCE),--once)

test: machine-test .venv/ready build/wheels/ready
	$(BIN)/pytest -n $(WORKERS)

# Every journey through a browser, in both; `make test` makes the shorter ones, in Firefox.
test-browsers: machine-test .venv/ready
	$(BIN)/pytest -n $(WORKERS) -o norecursedirs='.*' tests/browser --browsers "$(BROWSERS)"

# What fails around a drop: killed, full, hanging, out of descriptors. Figures at its end.
# KILLS= is how often each of twelve drops is killed, six over either kind of store.
# Desks are killed about ten times as often.
test-faults: machine-test .venv/ready
	$(BIN)/pytest -n $(WORKERS) tests/faults --kills $(KILLS)

# A private Tor network on loopback, and sources who come through it. Minutes; ends by itself.
test-tor: machine-test .venv/ready
	$(BIN)/pytest -n 0 tests/tor

# Debian in a folder, with systemd and a private Tor network of its own: deploy/ is installed there,
# used, updated, rolled back and taken away again. As root; minutes; ends by itself.
test-install: machine-test machine-install .venv/ready build/wheels/ready
	$(BIN)/pytest -n 0 tests/install

# What people install, with all it needs, in dist/: the server as a folder and as a Debian package, the desk.
# KEY=FINGERPRINT signs their checksums.
release: machine-test .venv/ready build/wheels/ready
	@$(BIN)/python deploy/build.py --to dist $(if $(KEY),--sign $(KEY)) server server-s3 desk deb

# The package alone, and what Debian's own judge says of it: nothing, or what an override explains.
deb: machine-test .venv/ready build/wheels/ready
	@$(BIN)/python deploy/build.py --to dist deb
	@lintian --allow-root --fail-on error,warning "$$(ls -t dist/*.deb | head -n 1)"

# The tests of the store over S3, against Swift and Ceph (setup/machine.sh stores installs both), or
# one that is there: ENGINE=PORT,ACCESS_KEY,SECRET_KEY on 127.0.0.1; its parts may have to be small.
test-stores: machine-test $(if $(ENGINE),,machine-stores) .venv/ready
	for engine in $(or $(ENGINE),swift ceph); do \
		$(BIN)/pytest -m xdist_group --engine $$engine tests/unit/server/test_store.py \
			tests/unit/server/test_store_s3.py tests/unit/server/test_store_model.py \
			tests/faults/test_store_failing.py tests/faults/test_store_operations.py || exit; \
	done

check: machine-test .venv/ready build/wheels/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=demo:bench:setup:deploy:tests $(BIN)/mypy demo bench setup deploy tests/canary tests/fuzz \
		tests/browsers tests/browser tests/faults tests/tor tests/install
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(WORKERS)

# N inputs of each kind made by mutation (recordings, also into the desk's decoder, forms, tor's lines); or one parser, guided by its
# branches: TARGET=ogg SECONDS=60, also multipart and proxy-line.
fuzz: machine-test .venv/ready $(if $(TARGET),.venv/fuzz)
	@PYTHONPATH=tests:demo $(BIN)/python -m $(if $(TARGET),fuzz.guided $(TARGET) --seconds $(SECONDS),\
		fuzz.run --inputs $(N) --seed $(SEED))

# About ten minutes; SIZE= is megabytes of each recording. CANARY=folder JUDGE=script: another corpus.
bench: machine-test .venv/ready
	@$(BIN)/python bench/ingest.py --megabytes $(SIZE)
	@$(BIN)/python bench/scrubbing.py --megabytes $(SIZE)
	@$(BIN)/python bench/mailbox.py
	@$(BIN)/python bench/deskwork.py --megabytes $(SIZE) --recordings 300 --only import open search
	@$(BIN)/python bench/corpus.py $(if $(CANARY),--corpus $(CANARY)) $(if $(JUDGE),--judge $(JUDGE))

# A quarter of an hour: all of a desk's work, in a catalogue of ten thousand recordings.
bench-desk: machine-test .venv/ready
	@$(BIN)/python bench/deskwork.py --megabytes $(SIZE) --recordings 10000

# Under eight minutes, on loopback only: 220 sources at once, and what becomes of pages and memory;
# then one upload beside OnionShare's receive mode, where it can be installed.
bench-load: machine-test .venv/ready
	@$(BIN)/python bench/load.py
	@$(MAKE) --silent .venv/onionshare/ready || true
	@$(BIN)/python bench/onionshare.py

# OBJECTS= are made below AT=, a folder on the disk to measure.
bench-sweep: machine-run .venv/ready
	@$(BIN)/python bench/sweeping.py $(if $(OBJECTS),--objects $(OBJECTS)) $(if $(AT),--at $(AT))

machine-run:
	@setup/machine.sh run

machine-test:
	@setup/machine.sh test

machine-stores:
	@setup/machine.sh stores

machine-install:
	@setup/machine.sh install

.venv/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# What a release carries of others, for both Pythons: builds and their tests then need no network.
build/wheels/ready: requirements/wheels.sha256 .venv/ready
	$(BIN)/python deploy/fetch_wheels.py
	@touch $@

.venv/onionshare/ready: requirements/onionshare.txt .venv/ready
	$(PYTHON) -m venv .venv/onionshare
	.venv/onionshare/bin/pip install --quiet --require-hashes -r requirements/onionshare.txt
	@touch $@

.venv/fuzz: requirements/fuzz.txt .venv/ready
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements/fuzz.txt
	@touch $@

# After a sentence changed in a template or in the code: what translators work from.
catalogues: .venv/ready
	@$(BIN)/python setup/catalogues.py

# make language TAG=so begins one more.
language: .venv/ready
	@$(BIN)/python setup/catalogues.py --add "$(TAG)"

# The pictures in docs/source.md and docs/landing.md, taken anew after a page has changed.
pictures: machine-test .venv/ready
	@PYTHONPATH=tests:demo $(BIN)/python setup/pictures.py docs/pictures

# Run by hand after changing the dependencies in pyproject.toml.
requirements: export CUSTOM_COMPILE_COMMAND = make requirements
requirements: .venv/ready
	$(COMPILE) --extra server --output-file requirements/server.txt pyproject.toml
	$(COMPILE) --extra server --extra s3 --output-file requirements/server-s3.txt pyproject.toml
	$(COMPILE) --extra intake --output-file requirements/intake.txt pyproject.toml
	$(COMPILE) --extra server --extra s3 --extra intake --extra dev --output-file requirements/dev.txt \
		pyproject.toml
	$(COMPILE) --extra fuzz --constraint requirements/dev.txt --output-file requirements/fuzz.txt \
		pyproject.toml
	$(COMPILE) --output-file requirements/onionshare.txt requirements/onionshare.in
	$(BIN)/python deploy/choose_wheels.py

clean:
	rm -rf .venv .demo build dist bench/results
