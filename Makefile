PYTHON ?= python3
# Processes that share the tests; each starts its own databases.
TEST_PROCESSES ?= 2
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run demo-reset check format test verify bench docs migration lock setup setup-dev

help: ## Show what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: setup ## Start everything on this machine with demo data (PORT=8000)
	@$(VENV)/python -m demo

demo-reset: setup ## Delete the demo's data; the next `make run` starts afresh
	@$(VENV)/python -m demo reset

check: setup-dev ## Formatting, lint, types, imports between rooms, templates
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/python -m tools.check_rules
	$(VENV)/lint-imports --no-cache
	$(VENV)/mypy
	$(VENV)/djlint --lint --quiet .

format: setup-dev ## Put the code into shape
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

test: setup-dev ## Run the tests, on real databases and a real browser
	@$(VENV)/python -m tools.browser
	$(VENV)/pytest -n $(TEST_PROCESSES) --dist loadscope

verify: setup ## Prove every balance, state and flag again from the records
	@$(VENV)/python -m demo exec $(VENV)/python -m wsgi migrate
	@$(VENV)/python -m demo exec $(VENV)/python -m wsgi verify

bench: setup-dev ## Measure the pages against plain SQL on the same rows
	@$(VENV)/python -m bench

docs: setup ## Write the generated pages of docs/ again
	@$(VENV)/python -m demo exec $(VENV)/python -m wsgi docs

migration: setup ## Write a migration from the models (m="what changes")
	@test -n "$(m)" || { echo 'Say what changes: make migration m="add a due date"'; exit 1; }
	@$(VENV)/python -m demo exec $(VENV)/python -m wsgi migrate
	@$(VENV)/python -m demo exec $(VENV)/flask --app wsgi db migrate -m "$(m)"

lock: setup-dev ## Pin the newest allowed versions of all dependencies
	@$(VENV)/python -m tools.lock

setup:
	@$(PYTHON) tools/setup.py

setup-dev:
	@$(PYTHON) tools/setup.py --dev
