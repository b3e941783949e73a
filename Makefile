# `make` alone lists the targets; CONTRIBUTING.md says when to use which.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Sets the variables that tests/tools/install prints for the tools named after it.
tools = tools="$$(tests/tools/install $(1))" && set -a && eval "$$tools" && set +a

# What tests/cluster.rs runs.
cluster = etcd kube-apiserver kube-controller-manager kube-scheduler kubectl cert-manager-crds

.PHONY: help run test bench bench-mutate bench-peers bench-test fmt lint format clippy docs fields fresh deny examples image image-again

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 14

run: ## serve, optimised, with the default settings
	cargo run --release --locked -- serve

test: ## every test: Rust, then the policies, here and under the real opa
	$(call tools,promtool prometheus helm opa pss reports patch defaults $(cluster)) && \
	INSTA_UPDATE=no PORTCULLIS_REQUIRE_TOOLS=1 cargo test --locked && \
	cargo run --quiet --locked -- verify --coverage text --min-coverage 95 && \
	"$$PORTCULLIS_OPA" fmt --list --fail policies && \
	"$$PORTCULLIS_OPA" check --strict --ignore '*.yaml' policies && \
	"$$PORTCULLIS_OPA" test --fail-on-empty --ignore '*.yaml' policies

bench: ## what a decision costs
	cargo bench --locked --bench decide

bench-mutate: ## what a patch costs, beside a comparison of two objects
	cargo bench --locked --bench mutate

bench-peers: ## policy test and verify beside gator, conftest and opa
	$(call tools,opa gator conftest) && cargo bench --locked --bench peers

bench-test: ## policy test on ten thousand objects: rate and memory
	benches/policy_test

fmt: ## format the Rust code and the policies
	cargo fmt
	$(call tools,opa) && "$$PORTCULLIS_OPA" fmt --write policies

lint: format clippy docs fresh ## formatting, clippy, documentation and generated files, with warnings as errors

format:
	cargo fmt --check

clippy:
	cargo clippy --all-targets --locked -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked

# What Kubernetes' own Go types say of its kinds, for `policy check`.
fields = cd tests/tools/fields && env -u GOOS -u GOARCH -u GOFLAGS CGO_ENABLED=0 GOWORK=off go run -mod=readonly -buildvcs=false .

fields: ## write anew the table of Kubernetes' fields that policy check knows
	table="$$($(fields))" && printf '%s\n' "$$table" >src/engine/lint/fields.txt

fresh:
	diff <($(fields)) src/engine/lint/fields.txt || { echo "src/engine/lint/fields.txt is stale: run make fields" >&2; exit 1; }

deny: ## licences, banned crates and sources of every dependency
	$(call tools,cargo-deny) && "$$PORTCULLIS_CARGO_DENY" --locked check --hide-inclusion-graph bans licenses sources

examples: ## what examples/ci shows, under the tools that read it
	$(call tools,actionlint check-jsonschema pre-commit) && cd examples/ci && \
	"$$PORTCULLIS_ACTIONLINT" -shellcheck= -pyflakes= github-actions.yaml && \
	"$$PORTCULLIS_CHECK_JSONSCHEMA" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci gitlab-ci.yml && \
	"$$PORTCULLIS_PRE_COMMIT" validate-manifest pre-commit-hooks.yaml && \
	"$$PORTCULLIS_PRE_COMMIT" validate-config pre-commit-config.yaml
	cargo run --quiet --locked -- test --profile restricted examples/ci/argocd-*.yaml

image: ## the container image: an OCI layout in target/image
	image/build

image-again: ## the image once more, from another place, for the same digest
	image/again
