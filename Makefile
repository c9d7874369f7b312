# make          build the three programs
# make demo     the main job, from nothing, on a fresh Debian 12
# make test     all tests, with their own set-up
# make help     the rest

BUILD ?= build
PREFIX ?= /usr/local
CC ?= cc
PYTHON ?= /usr/bin/python3
SAN ?=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PACKAGES := libuv libmicrohttpd jansson libpq inih openssl zlib libxxhash
# Resolved when a recipe or a compile needs it, so that `make deps` works first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
    -Wswitch-enum -Wimplicit-fallthrough -Wformat=2 -Wvla -Wundef -Wcast-qual \
    -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDEN := -fstack-protector-strong -fPIE
LDHARDEN := -pie -Wl,-z,relro,-z,now
ifeq ($(SAN),1)
OPT := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=all
else
OPT := -O2 -D_FORTIFY_SOURCE=3
endif
CFLAGS_ALL = -std=gnu17 -g $(OPT) $(WARN) $(HARDEN) -D_GNU_SOURCE \
    -I. -Iengine -I$(BUILD)/gen $(PKG_CFLAGS) $(CFLAGS)

# engine/main.c and engine/pipeline.c are the engine; every other folder of
# engine/ and templates/ is the library that the three programs share.
LIB_SRC := $(wildcard engine/*/*.c templates/*.c)
ENGINE_SRC := $(wildcard engine/*.c)
API_SRC := $(wildcard api/*.c api/*/*.c)
CLI_SRC := $(wildcard cli/*.c cli/*/*.c)
SQL := $(wildcard engine/*/*.sql api/*.sql api/*/*.sql cli/*.sql)
SQL_GEN := $(SQL:%=$(BUILD)/gen/%.h)
MIGRATIONS := $(wildcard migrations/*.sql)
GEN := $(SQL_GEN) $(BUILD)/gen/migrations.h

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB := $(BUILD)/libpresort.a
PROGRAMS := $(BUILD)/presort $(BUILD)/presort-api $(BUILD)/presort-engine

TEST_SRC := $(wildcard tests/*/test_*.c tests/*/*/test_*.c)
TESTS := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)

.PHONY: all
all: $(PROGRAMS)

$(LIB): $(call obj,$(LIB_SRC))
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/presort: $(call obj,$(CLI_SRC)) $(LIB)
$(BUILD)/presort-api: $(call obj,$(API_SRC)) $(LIB)
$(BUILD)/presort-engine: $(call obj,$(ENGINE_SRC)) $(LIB)
$(PROGRAMS):
	@echo "  LD    $@"
	@$(CC) $(OPT) $(LDHARDEN) -o $@ $^ $(PKG_LIBS) -lpthread $(LDFLAGS)

$(BUILD)/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.sql.h: %.sql tools/embed-sql.awk
	@mkdir -p $(@D)
	@awk -f tools/embed-sql.awk $< >$@

$(BUILD)/gen/migrations.h: $(MIGRATIONS) tools/embed-migrations.sh
	@mkdir -p $(@D)
	@tools/embed-migrations.sh migrations >$@

# A test of api/ or cli/ code links that program's objects, less its main.
$(BUILD)/tests/api/%: TEST_MORE = $(filter-out %/api/main.o,$(call obj,$(API_SRC)))
$(BUILD)/tests/cli/%: TEST_MORE = $(filter-out %/cli/main.o,$(call obj,$(CLI_SRC)))
$(BUILD)/tests/%: tests/%.c $(LIB) $(call obj,$(API_SRC) $(CLI_SRC))
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -MF $@.d $(LDHARDEN) -o $@ $< \
	    $(TEST_MORE) $(LIB) $(PKG_LIBS) -lcmocka -lpthread $(LDFLAGS)

.PHONY: unit
unit: $(TESTS)
	@tools/run-units.sh $(TESTS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
