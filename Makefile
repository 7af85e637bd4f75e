# SPDX-License-Identifier: MIT
# Every target installs what it lacks first (eng/setup), so that a fresh Debian 12 with the .NET SDK is enough.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export DOTNET_NOLOGO := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT := 1
CONFIGURATION ?= Release

.PHONY: help build demo demo-zeromq test test-fast bench fuzz guest xen lint format setup clean distclean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

build: ## build everything
	@eng/setup build
	dotnet build Tombolo.slnx -c $(CONFIGURATION) --nologo

demo: ## watch three guests, a host client and the server exchange messages, die and come back
	@eng/setup demo
	@$(MAKE) --no-print-directory guest
	@eng/demo

demo-zeromq: ## three ZeroMQ scenarios on one machine, then across three, over the virtual switch
	@eng/setup zeromq
	@$(MAKE) --no-print-directory guest
	@samples/zeromq/image
	@samples/zeromq/demo

test: ## every suite; the last line is "N passed, N failed"
	@eng/run-tests

test-fast: ## every suite that starts no machine
	@eng/run-tests --fast

bench: ## measure, and compare with the limits of this machine
	@eng/setup bench
	@bench/run

fuzz: ## fuzz everything that parses another party's bytes, for a few minutes
	@eng/setup fuzz
	@fuzz/run

guest: ## the guest's kernel and initramfs, in artifacts/guest
	@eng/setup guest
	@$(MAKE) --no-print-directory -C guest/image

xen: ## Xen, its dom0 and two domains for the tests, in artifacts/xen
	@eng/setup xen
	@$(MAKE) --no-print-directory -C guest/xen

lint: ## format, shell scripts, kernel modules
	@eng/setup lint
	@eng/lint

format: ## put every C# file into the house's form
	@eng/setup build
	dotnet format Tombolo.slnx

setup: ## install what any target may need
	@eng/setup

clean: ## remove what was built (downloads stay)
	@eng/clean

distclean: ## remove what was built and what was downloaded
	@eng/clean --all
