# make          build the programs
# make demo     the main job, from nothing, on a fresh Debian 12
# make test     all tests, with their own set-up
# make help     the rest
#
# Another compiler or sanitizers are another BUILD folder:
# make CC=clang BUILD=build/clang, make SAN=1 BUILD=build/asan

BUILD ?= build
PREFIX ?= /usr/local
CC ?= cc
PYTHON ?= /usr/bin/python3
# 1: ASan and UBSan; fuzz: these and libFuzzer's counters (clang only).
SAN ?=
FUZZ_SECONDS ?= 20
JOBS ?= $(shell nproc)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
# Keep objects that only a pattern rule names.
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

PACKAGES := libuv libmicrohttpd jansson libpq inih openssl zlib libxxhash gumbo gmime-3.0 \
    libidn2
# Its .pc file asks for libevent's, which is not needed.
UNBOUND_LIBS := -lunbound
# Resolved when a recipe or a compile needs it, so that `make deps` works first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
# Of the tests, only those of programs.
CURL_LIBS = $(eval CURL_LIBS := $$(shell pkg-config --libs libcurl))$(CURL_LIBS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)) $(UNBOUND_LIBS) -lm)$(PKG_LIBS)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
    -Wswitch-enum -Wimplicit-fallthrough -Wformat=2 -Wvla -Wundef -Wcast-qual \
    -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDEN := -fstack-protector-strong -fPIE
LDHARDEN := -pie -Wl,--as-needed -Wl,-z,relro,-z,now
ifeq ($(SAN),1)
OPT := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=all
else ifeq ($(SAN),fuzz)
OPT := -O1 -fno-omit-frame-pointer \
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else
OPT := -O2 -D_FORTIFY_SOURCE=3
endif
CFLAGS_ALL = -std=gnu17 -g $(OPT) $(WARN) $(HARDEN) -D_GNU_SOURCE \
    -I. -Iengine -I$(BUILD)/gen $(PKG_CFLAGS) $(CFLAGS)

# engine/main.c and engine/pipeline.c are the engine; every other folder of
# engine/ and templates/ is the library that the programs share.
LIB_SRC := $(wildcard engine/*/*.c templates/*.c)
ENGINE_SRC := $(wildcard engine/*.c)
API_SRC := $(wildcard api/*.c api/*/*.c)
INBOUND_SRC := $(wildcard inbound/*.c)
CLI_SRC := $(wildcard cli/*.c cli/*/*.c)
SQL := $(wildcard engine/*/*.sql api/*.sql api/*/*.sql inbound/*.sql cli/*.sql cli/*/*.sql)
SQL_GEN := $(SQL:%=$(BUILD)/gen/%.h)
MIGRATIONS := $(wildcard migrations/*.sql)
STARTERS := $(wildcard templates/starter/*)
PROVIDERS_GEN := $(BUILD)/gen/engine/pace/providers.ini.h
GEN := $(SQL_GEN) $(PROVIDERS_GEN) $(BUILD)/gen/migrations.h \
    $(BUILD)/gen/starter_table.h

# Lists of files, each written only when it is another one: what is made of
# all of them is made anew when one is renamed or gone, too.
LISTS := $(BUILD)/gen/migrations.list $(BUILD)/gen/starters.list \
    $(BUILD)/gen/sources.list
$(BUILD)/gen/migrations.list: LISTED := $(MIGRATIONS)
$(BUILD)/gen/starters.list: LISTED := $(STARTERS)
$(BUILD)/gen/sources.list: LISTED := $(LIB_SRC) $(ENGINE_SRC) $(API_SRC) \
    $(INBOUND_SRC) $(CLI_SRC)
.PHONY: look-again
$(LISTS): look-again
	@mkdir -p $(@D)
	@echo $(LISTED) | cmp -s - $@ || echo $(LISTED) >$@

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB := $(BUILD)/libpresort.a
PROGRAMS := $(BUILD)/presort $(BUILD)/presort-api $(BUILD)/presort-engine \
    $(BUILD)/presort-inbound

TEST_SRC := $(wildcard tests/*/test_*.c tests/*/*/test_*.c)
TESTS := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)

.PHONY: all
all: $(PROGRAMS) ## build presort and its fellows

$(LIB): $(call obj,$(LIB_SRC)) $(BUILD)/gen/sources.list
	@rm -f $@
	@ar rcs $@ $(filter %.o,$^)

$(BUILD)/presort: $(call obj,$(CLI_SRC)) $(LIB)
$(BUILD)/presort-api: $(call obj,$(API_SRC)) $(LIB)
$(BUILD)/presort-engine: $(call obj,$(ENGINE_SRC)) $(LIB)
$(BUILD)/presort-inbound: $(call obj,$(INBOUND_SRC)) $(LIB)
$(PROGRAMS): PROGRAM_LIBS = $(CURL_LIBS)
$(PROGRAMS): $(BUILD)/gen/sources.list
	@echo "  LD    $@"
	@$(CC) $(OPT) $(LDHARDEN) -o $@ $(filter %.o %.a,$^) $(PROGRAM_LIBS) $(PKG_LIBS) \
	    -lpthread $(LDFLAGS)

$(BUILD)/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.sql.h: %.sql tools/embed-sql.awk
	@mkdir -p $(@D)
	@awk -f tools/embed-sql.awk $< >$@

# A line of it that makes no sense stops the build; tests/pace proves the rest.
$(PROVIDERS_GEN): engine/pace/providers.ini tools/embed-providers.awk
	@mkdir -p $(@D)
	@awk -f tools/embed-providers.awk $< >$@

$(BUILD)/gen/migrations.h: $(MIGRATIONS) tools/embed-migrations.sh \
    $(BUILD)/gen/migrations.list
	@mkdir -p $(@D)
	@tools/embed-migrations.sh migrations >$@

$(BUILD)/gen/starter_table.h: $(STARTERS) tools/embed-starters.sh \
    $(BUILD)/gen/starters.list
	@mkdir -p $(@D)
	@tools/embed-starters.sh templates/starter >$@

# A test of a program's code links that program's objects, less its main.
$(BUILD)/tests/api/%: TEST_MORE = $(filter-out %/api/main.o,$(call obj,$(API_SRC)))
$(BUILD)/tests/engine/%: TEST_MORE = $(filter-out %/engine/main.o,$(call obj,$(ENGINE_SRC)))
$(BUILD)/tests/inbound/%: TEST_MORE = $(filter-out %/inbound/main.o,$(call obj,$(INBOUND_SRC)))
$(BUILD)/tests/cli/%: TEST_MORE = $(filter-out %/cli/main.o,$(call obj,$(CLI_SRC)))
$(BUILD)/tests/%: tests/%.c $(LIB) $(call obj,$(API_SRC) $(CLI_SRC) $(INBOUND_SRC) $(ENGINE_SRC))
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -MF $@.d $(LDHARDEN) -o $@ $< \
	    $(TEST_MORE) $(LIB) $(CURL_LIBS) $(PKG_LIBS) -lcmocka -lpthread $(LDFLAGS)

.PHONY: unit
unit: $(TESTS) ## build and run the unit tests (C)
	@tools/run-units.sh $(TESTS)

# Each parser of foreign bytes has tests/fuzz/fuzz_NAME.c and seeds in
# tests/fuzz/corpus/NAME. Replayed, the seeds are a test like any other.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/fuzz/%)
REPLAYS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/replay/%)
LIB_PROGRAMS := $(BUILD)/liball.a

$(LIB_PROGRAMS): $(filter-out %/main.o,$(call obj,$(API_SRC) $(CLI_SRC) $(INBOUND_SRC) $(ENGINE_SRC))) \
    $(BUILD)/gen/sources.list
	@rm -f $@
	@ar rcs $@ $(filter %.o,$^)

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(LIB_PROGRAMS) $(LIB)
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	@$(CC) $(OPT) -fsanitize=fuzzer -o $@ $^ $(CURL_LIBS) $(PKG_LIBS) \
	    -lpthread $(LDFLAGS)

$(BUILD)/replay/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o \
    $(BUILD)/obj/tests/fuzz/replay.o $(LIB_PROGRAMS) $(LIB)
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(OPT) $(LDHARDEN) -o $@ $^ $(CURL_LIBS) $(PKG_LIBS) \
	    -lpthread $(LDFLAGS)

.PHONY: replay fuzzers fuzz
replay: $(REPLAYS) ## run the fuzzers' seeds through the parsers once
	@tools/run-units.sh -c tests/fuzz/corpus $(REPLAYS)
fuzzers: $(FUZZERS)
fuzz: ## fuzz each parser for FUZZ_SECONDS (20)
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang SAN=fuzz \
	    BUILD=build/fuzz fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz $(FUZZ_SRC)

# The programs run from a state directory in the tree, so that nothing is
# left elsewhere.
.PHONY: demo run test bench clean install help
demo: deps-demo ## the main job, from nothing: sends a campaign of 10,000
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@BUILD=$(BUILD) tools/demo

run: deps ## build, then run everything here, with ./state
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@PRESORT_STATE_DIR="$${PRESORT_STATE_DIR:-$$(tools/state-dir state)}" \
	    $(BUILD)/presort up

ASAN := $(MAKE) --no-print-directory -j$(JOBS) SAN=1 BUILD=build/asan
test: deps-test ## all tests: units, units under sanitizers, stories
	@$(MAKE) --no-print-directory -j$(JOBS) all unit
	@$(ASAN) unit replay
	@$(PYTHON) -m pytest -q --durations=10 tests

bench: deps-bench ## measure; BENCH=name for one figure, BENCH_RUNS=3
	@$(MAKE) --no-print-directory -j$(JOBS) all \
	    $(BUILD)/load/queue_bench $(BUILD)/load/bounce_speed \
	    $(BUILD)/load/liquid_bench $(BUILD)/load/connections
	@cd tests && $(PYTHON) -m load.bench $(BENCH)
$(BUILD)/load/%: $(BUILD)/obj/tests/load/%.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) $(OPT) $(LDHARDEN) -o $@ $^ $(PKG_LIBS) -lpthread $(LDFLAGS)

clean: ## remove what the build made
	rm -rf build

install: all ## install under PREFIX (/usr/local), below DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/share/doc/presort
	cp -r README.md LICENSE docs $(DESTDIR)$(PREFIX)/share/doc/presort
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' packaging/presort.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/presort.service

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / \
	    {printf "make %-16s %s\n", $$1, $$2}' Makefile

# Debian packages; tools/packages lists them by what needs them.
.PHONY: deps deps-demo deps-test deps-check deps-bench
deps: ## install the packages missing to build and run
	@tools/deps build run
deps-demo: ## ... and for the demo's last words
	@tools/deps build run demo
deps-test: ## ... and to test
	@tools/deps build run test
deps-check: ## ... and for make check and make fuzz
	@tools/deps build run test check
deps-bench: ## ... and for make bench
	@tools/deps build run test bench

# Lint. A stamp a file, so that only what changed is looked at again.
HEADERS := $(wildcard engine/*/*.h api/*.h api/*/*.h inbound/*.h cli/*.h cli/*/*.h \
    templates/*.h tests/kit/*.h)
PRODUCT := $(LIB_SRC) $(ENGINE_SRC) $(API_SRC) $(CLI_SRC) $(INBOUND_SRC)
LINTED := $(PRODUCT) $(wildcard tests/*/*.c tests/*/*/*.c)
SCRIPTS := .ci/run $(filter-out %.py %.awk tools/packages \
    $(wildcard tools/check-*),$(wildcard tools/*))
CHECKED := $(BUILD)/checked

LINTS := check-format check-layers check-length check-poison check-shell \
    check-headers check-tidy check-analyzer check-reference
.PHONY: check lint $(LINTS) check-sanitizers check-clang
check: deps-check ## lint, sanitizers, and the build by clang
	@$(MAKE) --no-print-directory -j$(JOBS) lint
	@$(MAKE) --no-print-directory check-sanitizers
	@$(MAKE) --no-print-directory check-clang
lint: $(LINTS) ## what can be said without running anything
check-format: ## layout is clang-format's
	@clang-format --dry-run -Werror $(LINTED) $(HEADERS)
	@echo "ok   format"
check-layers: ## includes point one way
	@tools/check-layers
check-length: ## functions, files and lines are short
	@tools/check-length
check-poison: ## no strcpy and the like
	@tools/check-poison
check-shell: ## scripts pass shellcheck
	@shellcheck $(SCRIPTS)
	@echo "ok   shell"
check-headers: $(HEADERS:%=$(CHECKED)/headers/%) ## each header stands alone
	@echo "ok   headers"
check-tidy: $(LINTED:%=$(CHECKED)/tidy/%) ## clang-tidy (.clang-tidy)
	@echo "ok   tidy"
# The page is printed from the table of settings, never written; so are the
# tables that end the page about templates.
SETTINGS := docs/reference/settings.md
TEMPLATES := docs/reference/templates.md
check-reference: $(BUILD)/presort ## docs/reference is current
	@$(BUILD)/presort config --markdown | diff -u $(SETTINGS) - || \
	    { echo "make reference brings it up to date"; exit 1; }
	@sed -n '/^| tag /,$$p' $(TEMPLATES) >$(BUILD)/templates.tables
	@$(BUILD)/presort render --reference | \
	    diff -u $(BUILD)/templates.tables - || \
	    { echo "make reference brings it up to date"; exit 1; }
	@tools/check-routes
	@echo "ok   reference"
.PHONY: reference
reference: $(BUILD)/presort ## print the tables of docs/reference anew
	@$(BUILD)/presort config --markdown >$(SETTINGS)
	@sed '/^| tag /,$$d' $(TEMPLATES) >$(BUILD)/templates.page
	@$(BUILD)/presort render --reference >>$(BUILD)/templates.page
	@cp $(BUILD)/templates.page $(TEMPLATES)
# Not the tests: they take what malloc gives and stop at the first surprise.
check-analyzer: $(PRODUCT:%=$(CHECKED)/analyzer/%) ## gcc -fanalyzer
	@echo "ok   analyzer"
check-sanitizers: ## unit tests and seeds under ASan and UBSan
	@$(ASAN) unit replay
check-clang: ## clang compiles it all without a warning
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang BUILD=build/clang all unit

LINT_FLAGS = $(filter-out -Werror,$(CFLAGS_ALL)) -Itests
$(CHECKED)/headers/%: % $(HEADERS) | $(GEN)
	@mkdir -p $(@D)
	@printf '#include "$<"\nextern int alone;\n' | $(CC) $(CFLAGS_ALL) -Itests -xc -fsyntax-only -
	@touch $@
$(CHECKED)/tidy/%: % $(HEADERS) .clang-tidy | $(GEN)
	@mkdir -p $(@D)
	@echo "  TIDY  $<"
	@clang-tidy --quiet $< -- $(LINT_FLAGS) 2>$@.log || \
	    { cat $@.log; exit 1; }
	@touch $@
$(CHECKED)/analyzer/%: % $(HEADERS) | $(GEN)
	@mkdir -p $(@D)
	@echo "  ANLZ  $<"
	@$(CC) $(CFLAGS_ALL) -Itests -fanalyzer -c -o $@ $<

-include $(shell find $(BUILD)/obj $(BUILD)/tests -name '*.d' 2>/dev/null)
