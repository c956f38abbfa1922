# Everything runs as root on Debian (network namespaces, FRR); `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help ci test test-long bench bench-apply bench-operator bench-e2e bench-agent bench-nodes bench-rest demo demo-cluster demo-clean lab lint fmt

CARGO ?= cargo
export HERALD_FRR_ROOT ?= $(CURDIR)/target/lab/frr-10.3

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

ci: ## What CI runs: lints, sizes, licences, every test
	bash .ci/run

test: ci ## The same as ci

test-long: lab ## The long forms of tests that CI runs small: properties, random changes on real FRR
	PROPTEST_CASES=5000 $(CARGO) test -p herald-core -p herald-frr -p herald-l2 -p herald-source
	HERALD_OPERATIONS=10000 $(CARGO) test -p herald-core --lib control::tests::model -- --nocapture
	HERALD_CHANGES=500 $(CARGO) test -p herald-e2e --test changes
	HERALD_KILLS=200 $(CARGO) test -p herald-e2e --test kill -- --nocapture
	HERALD_TRAFFIC=10 $(CARGO) test -p herald-e2e --test cluster_traffic -- --nocapture
	HERALD_TRAFFIC=10 HERALD_POLICY=Cluster $(CARGO) test -p herald-e2e --test cluster_traffic -- --nocapture
	HERALD_AWAY=600 $(CARGO) test -p herald-e2e --test agent_kubernetes nothing_changes_on_the_node -- --nocapture
	HERALD_OPERATIONS=10000 $(CARGO) test -p herald-e2e --test operator_ha no_address_is_ever_held_twice -- --nocapture

# Benchmarks measure the programs as they are shipped.
bench: lab ## Measures; writes target/bench/*.json and prints a table
	$(CARGO) bench -p herald-core
	"$$(scripts/build-release)/bench"

bench-apply: lab ## Measures changes of one node beside frr-reload.py: 100 to 10,000 prefixes; target/bench/apply.json
	"$$(scripts/build-release)/bench" apply

bench-operator: lab ## Measures the operator on a real API server: 1,000 and 5,000 Services; target/bench/operator.json
	"$$(scripts/build-release)/bench" operator

bench-e2e: lab ## Measures the whole product: a Service at the API server to its route at a neighbour; target/bench/e2e.json
	"$$(scripts/build-release)/bench" e2e

bench-agent: lab ## Measures the agent on a real API server: memory and CPU with 10,000 Services; target/bench/agent-kubernetes.json
	"$$(scripts/build-release)/bench" agent-kubernetes

bench-nodes: lab ## Measures what 100 and 300 simulated nodes are to an API server; target/bench/nodes.json
	"$$(scripts/build-release)/bench" nodes

bench-rest: lab ## Measures what looking at FRR costs at rest with 100 neighbors, for five minutes; target/bench/rest.json
	"$$(scripts/build-release)/bench" rest

demo: lab ## Two nodes, a router and a client: from manifests to a page over HTTP (KEEP=1 leaves it up)
	$(CARGO) build --quiet -p herald-operator -p herald-agent -p herald-e2e
	@target/debug/demo

demo-cluster: lab ## The whole product on three nodes: from kubectl apply to curl through a router (KEEP=1 leaves it up)
	$(CARGO) build --quiet -p herald-operator -p herald-controller -p herald-agent -p herald-e2e
	@target/debug/demo cluster

demo-clean: ## Removes what KEEP=1 left up
	scripts/lab-clean

lab: ## Installs what the lab needs and makes the root folder of FRR 10.3
	@scripts/lab-setup

lint: ## rustfmt, clippy (pedantic), sizes, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	scripts/check-sizes
	scripts/check-licences

fmt: ## Formats the code
	$(CARGO) fmt --all
