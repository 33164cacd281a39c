# The only build entry. `make help` lists the targets; CI runs `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := build

ADDON := build/Release/xspan.node
BPF_SOURCES := $(wildcard bpf/*.[ch] bpf/*/*.h)
NATIVE_SOURCES := $(wildcard native/*.cc native/*.h)
TESTKIT_SOURCES := $(wildcard test/testkit/*.cc test/testkit/*.c)
TS_SOURCES := $(shell find src -name '*.ts')
CLANG_FORMAT_FILES := $(BPF_SOURCES) $(NATIVE_SOURCES) $(TESTKIT_SOURCES)
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help deps build demo test test-unit test-kernel test-e2e test-kernels fuzz check fmt abi bench pack install clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

deps: ## install what is missing: Debian packages and npm packages
	@scripts/deps.sh
	@$(MAKE) --no-print-directory node_modules/.package-lock.json

node_modules/.package-lock.json: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(ADDON): CMakeLists.txt $(BPF_SOURCES) $(NATIVE_SOURCES) $(TESTKIT_SOURCES) | node_modules/.package-lock.json
	@echo "building the BPF programs and the addon"
	@npx --no-install cmake-js compile --loglevel error > build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log
	@touch $@

dist/cli/main.js: $(TS_SOURCES) tsconfig.json package.json | node_modules/.package-lock.json
	@echo "compiling TypeScript"
	@rm -rf dist
	@npx --no-install tsc
	@chmod +x dist/cli/main.js

build: $(ADDON) dist/cli/main.js ## build everything (needs what deps installs)

demo: deps ## install, build, and mirror real traffic in namespaces of its own
	@$(MAKE) --no-print-directory build
	@node scripts/demo.mjs

test: deps ## install, build, check and pass all tests
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory check
	npx --no-install vitest run

test-unit test-kernel test-e2e: test-%: build ## one kind of tests: unit (no root), kernel, e2e
	npx --no-install vitest run --project $*

fuzz: build ## the filter against libpcap's interpreter, without end
	XSPAN_FUZZ=1 npx --no-install vitest run --project kernel test/kernel/filter-oracle.test.ts

test-kernels: build ## the end-to-end tests on other kernels (emulated: slow)
	scripts/test-kernels.sh

check: build ## formatting, lint, types, drift of the generated code
	npx --no-install biome ci .
	clang-format --dry-run -Werror $(CLANG_FORMAT_FILES)
	node scripts/gen-abi.mjs --check
	npx --no-install tsc --noEmit -p test/tsconfig.json
	@echo clang-tidy
	@printf '%s\n' $(filter %.cc,$(NATIVE_SOURCES)) | xargs -P 4 -n 1 clang-tidy --quiet -p build > build/clang-tidy.log 2>&1 \
		|| { grep -A3 -E 'error:' build/clang-tidy.log; exit 1; }

fmt: ## format everything
	npx --no-install biome check --write .
	clang-format -i $(CLANG_FORMAT_FILES)

abi: ## regenerate src/abi.gen.ts from bpf/abi.h
	node scripts/gen-abi.mjs

bench: deps ## measure beside real peers; prints a table, writes bench/results/*.json
	@$(MAKE) --no-print-directory build
	node bench/run.mjs

pack: build ## a package with a prebuilt addon: xspan-*.tgz
	@mkdir -p prebuilds/linux-$$(node -p process.arch)
	@cp $(ADDON) prebuilds/linux-$$(node -p process.arch)/
	npm pack --loglevel=error

install: pack ## install the xspan command on this machine
	npm install --global --loglevel=error ./xspan-$$(node -p "require('./package.json').version").tgz

clean: ## remove what was built
	rm -rf build dist prebuilds xspan-*.tgz
