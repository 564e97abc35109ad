# make run    install what is needed, start everything, print what to try
# make test   install what is needed, run all tests (with COUCHDB_URL: against that CouchDB)
# make pictures  take the pictures of docs/desk.md anew, with the tests that follow its steps
# make lint   style and types
# make messages   bring the translations' catalogues in line with the code, and compile them (docs/translations.md)
# make bench  what the service costs beyond its CouchDB requests, in two minutes (FULL=1: all of it; benchmarks/README.md)
# make bench-growth   how that grows with messages and accounts
# make bench-events   what telling others of changes costs the API, and how soon they are told
# make bench-search   what the desk's search costs, and how soon it answers
# make lock   write the .lock files anew after a requirements file has changed (UPGRADE=1: with the newest versions allowed)
# make sbom   the bill of materials (CycloneDX) and the licences of what the service needs, in dist/
# make dist   both, and the archive that a machine without git installs from, with checksums
# make test-pythons   all tests with each Python from 3.11 to 3.14 that is on this machine
# make clean  remove what was installed or cached here; var/, the data of `make run`, stays

PIP := .venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet
LOCKED := $(PIP) --require-hashes

# Each of the processes has an embedded CouchDB of its own. A real one that is named is for all of them: the tests that
# look at all accounts there are, or change the system's settings, follow then in one process.
SIDE_BY_SIDE := -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: run test pictures lint messages bench bench-growth bench-events bench-search lock sbom dist test-pythons clean

run: .venv/service-installed
	@.venv/bin/python -m config.run

# Without a Chromium the tests in a browser are left out, without a Redis those of a limit that instances share, and
# without an HAProxy those of its settings and of upgrading behind it, and without a RabbitMQ those of what it gets, as scripts/ then say.
test: .venv/browser-tests-installed
	@command -v curl >/dev/null || scripts/apt-install curl
	@chromium=$$(scripts/chromium) || left_out=--ignore=tests/desk/browser; \
	redis=$$(scripts/redis) || left_out="$$left_out --ignore=tests/api/test_request_limit_redis.py"; \
	haproxy=$$(scripts/haproxy) || left_out="$$left_out --ignore=tests/config/test_haproxy_kazoo.py --ignore=tests/release/test_upgrade.py"; \
	rabbitmq=$$(scripts/rabbitmq) || left_out="$$left_out --ignore=tests/events/test_amqp.py"; \
	export CHROMIUM=$$chromium REDIS_SERVER=$$redis HAPROXY=$$haproxy RABBITMQ_SERVER=$$rabbitmq; pytest=".venv/bin/python -m pytest $$left_out"; \
	if [ -z "$(COUCHDB_URL)" ]; then $$pytest $(SIDE_BY_SIDE); \
	else $$pytest $(SIDE_BY_SIDE) -m "not alone" && $$pytest -m alone; fi

pictures: .venv/browser-tests-installed
	@chromium=$$(scripts/chromium) && CHROMIUM=$$chromium DOCS_IMAGES=1 .venv/bin/python -m pytest tests/desk/browser/test_browser_guide.py

lint: .venv/all-installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .

messages: .venv/service-installed
	@.venv/bin/python -m translations

bench: .venv/bench-installed
	@.venv/bin/python -m benchmarks

bench-growth: .venv/bench-installed
	@.venv/bin/python -m benchmarks growth

bench-events: .venv/bench-installed
	@.venv/bin/python -m benchmarks events

bench-search: .venv/bench-installed
	@.venv/bin/python -m benchmarks search

clean:
	rm -rf .venv tests/desk/browser/node_modules .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

lock: var/release/tools/bin/uv
	@UV=$< scripts/lock $(if $(UPGRADE),--upgrade)

dist: sbom
	@test -z "$$(git status --porcelain)" || { echo "The archive has what is committed: commit or remove the rest first." >&2; exit 1; }
	@scripts/archive dist dist/LICENCES.txt dist/sbom.cdx.json

# From an environment of its own: the bill has what the service needs, and nothing of the tests.
sbom: var/release/tools/bin/uv
	@rm -rf var/release/service dist && mkdir -p dist
	@.venv/bin/python -m venv var/release/service
	@var/release/service/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r deploy/requirements.lock
	@var/release/tools/bin/cyclonedx-py environment --output-reproducible --of JSON -o dist/sbom.cdx.json var/release/service/bin/python
	@var/release/service/bin/python scripts/licences.py deploy/requirements.lock > dist/LICENCES.txt
	@echo "dist/sbom.cdx.json and dist/LICENCES.txt"

# What makes a release has an environment of its own, too: its libraries are none of the service's.
var/release/tools/bin/uv: .venv/made scripts/release-tools.txt
	@.venv/bin/python -m venv var/release/tools
	@var/release/tools/bin/python -m pip --disable-pip-version-check install --quiet -r scripts/release-tools.txt
	@touch $@

test-pythons:
	@scripts/test-pythons

.venv/service-installed: .venv/made requirements.lock embedded_couchdb/requirements.lock
	@echo "Installing the service ..."
	@$(LOCKED) -r requirements.lock -r embedded_couchdb/requirements.lock
	@touch $@

.venv/bench-installed: .venv/service-installed benchmarks/requirements.lock
	@echo "Installing what the benchmarks need ..."
	@$(LOCKED) -r benchmarks/requirements.lock
	@touch $@

.venv/all-installed: .venv/bench-installed requirements-dev.lock
	@echo "Installing what tests and checks need ..."
	@$(LOCKED) -r requirements-dev.lock
	@touch $@

# npm comes with the Node of a Python package: nothing has to be on the machine.
.venv/browser-tests-installed: .venv/all-installed tests/desk/browser/package.json tests/desk/browser/package-lock.json
	@cd tests/desk/browser && PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@

# Debian and Ubuntu keep the module that makes virtual environments in a package of its own.
.venv/made:
	@[ ! -L .venv ] || rm .venv  # what the link leads to is somebody else's
	@python=$$(scripts/python) || exit; \
	$$python -c 'import ensurepip, venv' 2>/dev/null || scripts/apt-install \
	    "$$($$python -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
	$$python -m venv --clear .venv
	@touch $@
