# Everything TuxTape does for a developer or a first visitor. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
ifneq ($(shell [ -O . ] && echo own),)
export NODE_COMPILE_CACHE ?= $(CURDIR)/node_modules/.cache/compile
endif

WEB_SOURCES := $(shell find src/web src/contract src/domain -type f 2>/dev/null)
TESTS := test/tidy.test.ts 'test/unit/**/*.test.ts' 'test/integration/**/*.test.ts' 'test/browser/**/*.test.ts'

build/packages/.built: build/agent/tuxtape-agent.cjs tools/agent-package.ts tools/agent-rpm.ts $(wildcard tools/agent-package/*)
	@node tools/agent-package.ts
	@if command -v rpmbuild >/dev/null; then node tools/agent-rpm.ts; else echo 'no RPM: rpmbuild is not installed'; fi
	@touch $@

.PHONY: help install run test check format packages e2e e2e-full bench clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

node_modules/.installed: package.json package-lock.json tools/install.sh
	@tools/install.sh base
	@npm install --prefer-offline --no-update-notifier --no-audit --no-fund --loglevel=error
	@touch $@

install: node_modules/.installed ## install what a clone needs (Node 24, packages)

build/web/index.html: node_modules/.installed $(WEB_SOURCES)
	@vite build --logLevel warn

build/agent/tuxtape-agent.cjs: node_modules/.installed $(shell find src/agent src/trust src/klog src/domain src/host -name '*.ts' 2>/dev/null)
	@node tools/agent-bundle.ts

build/reboot/tuxtape-reboot.cjs: node_modules/.installed $(shell find src/reboot-host src/reboot src/domain src/host -name '*.ts' 2>/dev/null)
	@node tools/reboot-bundle.ts

run: install build/web/index.html ## sync, print what matters to the bundled kernel, serve the page (ONCE=1: end after printing)
	@bin/tuxtape up $(if $(ONCE),--once)

test: install build/web/index.html build/agent/tuxtape-agent.cjs build/reboot/tuxtape-reboot.cjs ## unit, integration and browser tests
	@tools/install.sh test
	@node --test --test-reporter=spec --test-timeout=300000 --test-concurrency=2 $(TESTS)

check: install ## types, lint, format, tidy
	@node tools/tsconfigs.ts --check
	@tsc -b tsconfig.json
	@tsc -p tsconfig.test.json
	@oxlint --type-aware --deny-warnings
	@biome check --error-on-warnings
	@node --test --test-reporter=spec test/tidy.test.ts

format: install ## write the format and the generated tsconfig files
	@node tools/tsconfigs.ts
	@biome check --write

packages: install build/packages/.built ## packages of the agent and its runtime (RPM where rpmbuild is)

e2e: install build/web/index.html build/agent/tuxtape-agent.cjs ## short proof: real kernels, livepatches, virtual machines
	@tools/install.sh e2e
	@node --test --test-reporter=spec --test-timeout=5400000 test/e2e/chain.test.ts
	@node --test --test-reporter=spec --test-timeout=1800000 --test-concurrency=1 test/e2e/prediction.test.ts test/e2e/debug-info.test.ts test/e2e/debian.test.ts test/e2e/memory-cap.test.ts test/e2e/determinism.test.ts test/e2e/diagnosis.test.ts test/e2e/builders.test.ts test/e2e/package.test.ts test/e2e/autopilot.test.ts test/e2e/agent.test.ts test/e2e/criu.test.ts

e2e-full: install build/web/index.html build/agent/tuxtape-agent.cjs ## long proof: every given fix, every crash point, an hour of mutated logs
	@tools/install.sh e2e
	@E2E_FULL=1 node --test --test-reporter=spec --test-timeout=36000000 test/e2e/chain.test.ts
	@E2E_FULL=1 node --test --test-reporter=spec --test-timeout=36000000 --test-concurrency=1 $(filter-out test/e2e/chain.test.ts,$(wildcard test/e2e/*.test.ts))
	@FUZZ_SECONDS=3600 node test/fuzz/klog.ts

bench: install build/agent/tuxtape-agent.cjs ## print the measured figures
	@for file in bench/feed.ts bench/growth.ts bench/severity-model.ts bench/profile.ts bench/debug-info.ts bench/triage.ts bench/verdicts.ts bench/klog.ts bench/livepatch.ts bench/agent.ts bench/gate.ts bench/archive.ts; do echo "== $$file"; node "$$file"; done

clean: ## remove what was built here (not the kernel cache)
	@rm -rf build
