# make run    install what is needed, start everything, print what to try
# make test   install what is needed, run all tests (with COUCHDB_URL: against that CouchDB)
# make pictures  take the pictures of docs/desk.md anew, with the tests that follow its steps
# make lint   style and types
# make messages   bring the translations' catalogues in line with the code, and compile them (docs/translations.md)
# make bench  what the service costs beyond its CouchDB requests, in two minutes (FULL=1: all of it; benchmarks/README.md)
# make bench-growth   how that grows with messages and accounts
# make bench-events   what telling others of changes costs the API, and how soon they are told
# make bench-search   what the desk's search costs, and how soon it answers
# make clean  remove what was installed or cached here; var/, the data of `make run`, stays

PIP := .venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet

# Each of the processes has an embedded CouchDB of its own. A real one that is named is for all of them: the tests that
# look at all accounts there are, or change the system's settings, follow then in one process.
SIDE_BY_SIDE := -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: run test pictures lint messages bench bench-growth bench-events bench-search clean

run: .venv/service-installed
	@.venv/bin/python -m config.run

# Without a Chromium the tests in a browser are left out, without a Redis those of a limit that instances share, and
# without an HAProxy those of its settings, and without a RabbitMQ those of what it gets, as scripts/ then say.
test: .venv/browser-tests-installed
	@command -v curl >/dev/null || scripts/apt-install curl
	@chromium=$$(scripts/chromium) || left_out=--ignore=tests/desk/browser; \
	redis=$$(scripts/redis) || left_out="$$left_out --ignore=tests/api/test_request_limit_redis.py"; \
	haproxy=$$(scripts/haproxy) || left_out="$$left_out --ignore=tests/config/test_haproxy_kazoo.py"; \
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

.venv/service-installed: .venv/made requirements.txt embedded_couchdb/requirements.txt
	@echo "Installing the service ..."
	@$(PIP) -r requirements.txt -r embedded_couchdb/requirements.txt
	@touch $@

.venv/bench-installed: .venv/service-installed benchmarks/requirements.txt
	@echo "Installing what the benchmarks need ..."
	@$(PIP) -r benchmarks/requirements.txt
	@touch $@

.venv/all-installed: .venv/bench-installed requirements-dev.txt
	@echo "Installing what tests and checks need ..."
	@$(PIP) -r requirements-dev.txt
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
