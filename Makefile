# Cusp. `make` lists what there is.

SHELL := /bin/bash
GO ?= go
LINT_VERSION := v2.15.0
LINT := bin/golangci-lint-$(LINT_VERSION)
FUZZ_TIME ?= 20s
PACKAGES ?= ./...

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/cusp, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/cusp ./cmd/cusp

.PHONY: demo
demo: build ## Start a living sample company and say where to look
	bin/cusp demo

.PHONY: test
test: vet ## Run every test, on SQLite and on PostgreSQL (starts one when needed)
	set -o pipefail; pg=$$(scripts/postgres) && CUSP_TEST_PG=$$pg $(GO) test $(PACKAGES) | scripts/slowest
	tests/sdk/run
	tests/webhook/run

.PHONY: vet
vet: ## Check formatting and run go vet
	@unformatted=$$(gofmt -l cmd internal tests); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...

.PHONY: race
race: ## Run the tests with the race detector
	pg=$$(scripts/postgres) && CUSP_TEST_PG=$$pg $(GO) test -race $(PACKAGES)

.PHONY: sdk
sdk: ## Send events with real Segment SDKs from npm and Go (downloads them)
	tests/sdk/run

.PHONY: webhook
webhook: ## Verify signed webhooks with the official library from npm, and mail at a real server (downloads them)
	tests/webhook/run

.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZ_TIME each (20s)
	@grep -rlE '^func Fuzz' --include='*_test.go' internal | while read -r file; do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$$file"); do \
			echo "$$target in $$file"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ_TIME) "./$$(dirname "$$file")" </dev/null || exit 1; \
		done; \
	done

.PHONY: bench
bench: build ## Measure ingest and replay beside the raw limits of this machine
	bin/cusp bench ingest
	bin/cusp bench replay

.PHONY: drill-quality
drill-quality: ## Measure decisions on ten simulated companies, beside a points model
	$(GO) test ./tests/quality -count=1 -v -timeout 30m -run 'TestDecisionQuality$$' -seeds 10 -fit

.PHONY: lint
lint: $(LINT) ## Run golangci-lint in its pinned version
	$(LINT) run $(PACKAGES)

$(LINT):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/golangci-lint $@

.PHONY: fmt
fmt: ## Format the Go files
	gofmt -w cmd internal tests

.PHONY: generate
generate: ## Write the generated reference pages and golden files anew
	pg=$$(scripts/postgres) && CUSP_TEST_PG=$$pg $(GO) test $$(grep -rlE 'internal/goldentest|flag\.Bool\("update"' --include='*_test.go' internal | xargs -n1 dirname | sort -u | sed 's|^|./|') -update

.PHONY: clean
clean: ## Remove what was built, and stop the PostgreSQL of the tests
	scripts/postgres stop
	rm -rf bin
