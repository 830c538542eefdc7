# SPDX-License-Identifier: Apache-2.0
# make              builds build/koine-gateway and build/modules/*.so
# make run          installs what is missing, builds quickly, serves on 127.0.0.1:3100
# make check        installs what is missing, builds, passes every test
# make clients      the official npm clients against the gateway with the real CLI; part of check
# make openapi      writes openapi.yaml, the document of the stock modules, anew
# make browser      /docs and /console in headless Chromium; part of check
# make document     openapi.yaml: valid, complete, and what a live gateway answers; part of check
# make check-chaos  1,000 runs with clients that leave and CLIs that die, plain and sanitized
# make bench        measures against a bare evhttp server and the CLI alone
# make lint         clang-format, clang-tidy, cppcheck, both compilers
# make install      DESTDIR= PREFIX=/usr/local
# make clean        SANITIZER=address|undefined|thread builds into build/SANITIZER; V=1 shows commands

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
SANITIZER ?=
ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build$(if $(SANITIZER),/$(SANITIZER))
Q := $(if $(V),,@)
say = @printf '  %-6s %s\n' '$(1)' '$(2)'

# ---- what is built -------------------------------------------------------------------------------
HOST_SOURCES := $(filter-out gateway/main.c,$(sort $(wildcard gateway/*.c gateway/*/*.c)))
# What the host and the module SDK both are made with.
SHARED_SOURCES := $(addprefix sdk/module/,json_characters.c json_load.c json_text.c)
HOST_OBJECTS := $(HOST_SOURCES:%.c=$(BUILD)/%.o) $(SHARED_SOURCES:%.c=$(BUILD)/%.o)
SDK_CHAT_SOURCES := $(sort $(wildcard sdk/module/chat*.c))
SDK_SOURCES := $(filter-out $(SDK_CHAT_SOURCES),$(sort $(wildcard sdk/module/*.c)))
SDK_OBJECTS := $(SDK_SOURCES:%.c=$(BUILD)/%.o)
SDK_CHAT_OBJECTS := $(SDK_CHAT_SOURCES:%.c=$(BUILD)/%.o)
MODULES := $(patsubst modules/%/,%,$(sort $(wildcard modules/*/)))
TEST_MODULES := $(basename $(notdir $(sort $(wildcard tests/e2e/modules/*.c tests/e2e/modules/*.cc))))
# Examples in C, against the module SDK; see below for what they link beside it.
EXAMPLE_MODULES := $(patsubst examples/modules/%/,%,$(sort $(dir $(wildcard examples/modules/*/*.c))))
packages_of_sql-tool := sqlite3
packages_of_auth-webhook := libcrypto
packages_of_anthropic := libcrypto
packages_of_openai := libcrypto
packages_of_chat := libcrypto
SUPPORT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/support/*.c)))
# failing_heap.o defines malloc: in the archive it would be linked into every test.
E2E_OBJECTS := $(filter-out $(BUILD)/tests/support/standin_% $(BUILD)/tests/support/failing_heap.o,$(SUPPORT_OBJECTS))
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/*_test.c)))
E2E_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/e2e/*_test.c)))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(filter-out tests/bench/measure.c,$(sort $(wildcard tests/bench/*.c))))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
STANDINS := $(BUILD)/tests/standin-cli $(BUILD)/tests/standin-api
PKG_CONFIGS := $(patsubst %.in,$(BUILD)/%,$(sort $(wildcard sdk/*/*.pc.in)))
ALL := $(BUILD)/koine-gateway $(MODULES:%=$(BUILD)/modules/%.so) $(BUILD)/libkoine-module.a \
	$(BUILD)/koine-test-host $(BUILD)/libkoine-test-host-malloc.a
VIEWER := $(BUILD)/docs/scalar/standalone.esm.js
# The test host judges modules with the gateway's own code, as far as that needs jansson alone.
TEST_HOST_COMMAND := $(sort $(wildcard sdk/test-host/command*.c))
# It reads fragments as the gateway does, which needs libyaml: the command does, the library does not.
TEST_HOST_FRAGMENTS := $(addprefix gateway/,openapi/part.c openapi/nodes.c openapi/references.c openapi/write_json.c \
	openapi/embedded.c config/tree.c config/scalar.c config/problems.c runner/json_writer.c ops/utf8.c) \
	sdk/module/json_characters.c
TEST_HOST_HEAP := $(sort $(wildcard sdk/test-host/heap*.c))
TEST_HOST_SOURCES := $(filter-out $(TEST_HOST_COMMAND) $(TEST_HOST_HEAP),$(sort $(wildcard sdk/test-host/*.c))) \
	$(addprefix gateway/,http/router.c http/route_path.c http/failure_form.c http/refusal_text.c \
	http/answer_header.c http/header_name.c config/nearest.c modules/loader.c modules/loader_file.c \
	modules/handles.c modules/struct_size.c modules/tool_check.c \
	modules/config_schema.c modules/config_schema_check.c modules/schema_place.c modules/schema_value.c \
	policy/tool_policy.c policy/tool_rule.c policy/tool_rule_set.c policy/tool_rule_text.c policy/session_uuid.c \
	ops/beside.c ops/metrics.c ops/metric_family.c ops/metric_options.c ops/metrics_render.c ops/utf8.c \
	runner/json_writer.c runner/json_slice.c runner/run_options.c runner/transcript_check.c runner/mcp_server.c runner/cli_command.c \
	runner/cli_settings.c runner/string_block.c) $(SHARED_SOURCES)

# ---- how it is built -----------------------------------------------------------------------------
PACKAGES := libevent jansson yaml-0.1 libcrypto
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla
ifeq ($(SANITIZER),)
MODE := -O2 -fstack-protector-strong $(if $(findstring _FORTIFY,$(CPPFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
else
MODE := -O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZER) -fno-sanitize-recover=all
CFLAGS ?= -g1
endif
# Tests are compiled more often than what they do is worth; not what benches measure with.
TEST_SOURCES := tests/unit/%_test.c tests/e2e/%_test.c
TEST_MODE = $(if $(filter $(TEST_SOURCES),$<),$(if $(SANITIZER),-O0,-O1))
DEFINES := -D_GNU_SOURCE -DKOINE_VERSION='"$(VERSION)"' \
	-DKOINE_MODULE_DIRECTORY='"$(PREFIX)/lib/koine-gateway/modules"' \
	-DKOINE_STANDIN_CLI='"$(PREFIX)/lib/koine-gateway/standin-cli"'
CFLAGS ?= -g
# Modules see the ABI and the module SDK, nothing of the host; what they embed is beside them.
MODULE_SOURCES := modules/% sdk/module/% examples/modules/% tests/e2e/modules/% tests/abi/v1/%
INCLUDES = -Iinclude -Isdk/module $(if $(filter $(MODULE_SOURCES),$<),-DKOINE_EMBED_FOLDER='"$(<D)/"',-Igateway -Isdk -Isdk/test-host -Itests)
FLAGS = -std=c11 $(MODE) $(TEST_MODE) $(CFLAGS) $(CPPFLAGS) $(WARN) $(DEFINES) $(INCLUDES) -MMD -MP \
	$(if $(filter $(MODULE_SOURCES),$<),-fPIC -fvisibility=hidden -ffunction-sections -fdata-sections)
LINK = $(CC) $(if $(SANITIZER),-fsanitize=$(SANITIZER)) $(LDFLAGS)
MODULE_LINK = $(LINK) -shared -Wl,-z,defs -Wl,-z,relro,-z,now -Wl,--gc-sections
# A sanitized module finds the sanitizer's run-time in the host.
ifneq ($(SANITIZER),)
MODULE_LINK = $(LINK) -shared
endif
libs = $(shell pkg-config --libs $(1))

.PHONY: all run check check-chaos test clients browser bench lint format install clean setup setup-check setup-run \
	runnable standins unit e2e e2e-parts abi fuzz openapi openapi-check document modules examples abi-record
all: $(ALL) $(VIEWER)
standins: $(STANDINS)
modules: $(MODULES:%=$(BUILD)/modules/%.so)

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) -c -o $@ $<

# What is embedded; the compiler does not tell make of it.
$(BUILD)/gateway/openapi/embedded.o: gateway/openapi.yaml

$(BUILD)/libkoine-gateway.a: $(HOST_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

# The module SDK: one object, so that its inner names are seen by nobody who links it. What a module
# does not use of it is left out by --gc-sections. What chats is another: it needs libcrypto.
$(BUILD)/koine-module.o: $(SDK_OBJECTS)
$(BUILD)/koine-module-chat.o: $(SDK_CHAT_OBJECTS)
$(BUILD)/koine-module.o $(BUILD)/koine-module-chat.o:
	$(Q)$(CC) -r -nostdlib -o $@ $^
	$(Q)objcopy -w --keep-global-symbol='koine_*' $@
$(BUILD)/libkoine-module.a: $(BUILD)/koine-module.o $(BUILD)/koine-module-chat.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
# Its parts, for the tests of them.
$(BUILD)/tests/libmodule.a: $(SDK_OBJECTS) $(SDK_CHAT_OBJECTS)
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$(BUILD)/koine-gateway: $(BUILD)/gateway/main.o $(BUILD)/libkoine-gateway.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -pie -Wl,-z,relro,-z,now -o $@ $^ $(call libs,$(PACKAGES)) -ldl -lpthread

# The pages that it has in it.
$(BUILD)/gateway/http/assets.o: $(wildcard gateway/pages/*/*.html gateway/pages/*/*.css gateway/pages/*/*.js)

# What shows the reference at /docs; others wrote it. Without it the page shows the plain document.
$(VIEWER): gateway/pages/docs/fetch-viewer gateway/pages/docs/scalar-license
	$(call say,FETCH,$(@D))
	$(Q)$< $(@D) || echo '  SKIP   $(@D): /docs shows the plain document until "make" can fetch it'

# What third parties test modules with. One object: what is inside cannot clash with their names.
$(BUILD)/libkoine-test-host.a: $(TEST_HOST_SOURCES:%.c=$(BUILD)/%.o)
	$(call say,AR,$@)
	$(Q)$(LD) -r -o $(@:.a=.o) $^
	$(Q)objcopy --wildcard --keep-global-symbol='koine_test_*' $(@:.a=.o)
	$(Q)rm -f $@ && ar rcs $@ $(@:.a=.o)
# It defines malloc: an archive of its own.
$(BUILD)/libkoine-test-host-malloc.a: $(TEST_HOST_HEAP:%.c=$(BUILD)/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
TEST_HOST := $(BUILD)/libkoine-test-host.a $(BUILD)/libkoine-test-host-malloc.a
$(BUILD)/koine-test-host: $(TEST_HOST_COMMAND:%.c=$(BUILD)/%.o) $(TEST_HOST_FRAGMENTS:%.c=$(BUILD)/%.o) $(TEST_HOST)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(call libs,jansson yaml-0.1) -ldl -lpthread

# One folder a module; its OpenAPI fragment and the schema of its settings are built in.
# $(1): the folder, below build as modules/NAME.so too. $(2): further packages that it links.
define module_rules
$(BUILD)/$(1).so: $$(patsubst %.c,$(BUILD)/%.o,$$(sort $$(wildcard $(1)/*.c))) $(BUILD)/libkoine-module.a
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(MODULE_LINK) -o $$@ $$^ $$(call libs,jansson $(2))
$$(patsubst %.c,$(BUILD)/%.o,$$(wildcard $(1)/*.c)): $$(wildcard $(1)/openapi.yaml $(1)/config-schema.json)
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,modules/$(m),$(packages_of_$(m)))))
$(foreach m,$(EXAMPLE_MODULES),$(eval $(call module_rules,examples/modules/$(m),$(packages_of_$(m)))))

# Examples in other languages: the headers of the ABI (or what they say), no SDK. A compiler that is
# not there is no error: its example is left out.
CXX_EXAMPLES := $(patsubst examples/modules/%/,%,$(sort $(dir $(wildcard examples/modules/*/*.cc))))
RUST_EXAMPLES := $(patsubst examples/modules/%/,%,$(sort $(dir $(wildcard examples/modules/*/lib.rs))))
RUSTC ?= $(firstword $(wildcard /usr/bin/rustc) rustc)
examples: $(patsubst %,$(BUILD)/examples/modules/%.so,$(EXAMPLE_MODULES) $(CXX_EXAMPLES) $(RUST_EXAMPLES))
unless_missing = $(Q)command -v $(1) >/dev/null || { echo "  SKIP   $@: no $(1)"; exit 0; };

$(CXX_EXAMPLES:%=$(BUILD)/examples/modules/%.so): $(BUILD)/examples/modules/%.so: $(wildcard include/koine/*.h)
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(call unless_missing,$(CXX)) $(CXX) -std=c++17 $(MODE) $(CFLAGS) $(CPPFLAGS) -Wall -Wextra -Wpedantic \
		-Werror -fPIC -fvisibility=hidden -Iinclude -shared $(LDFLAGS) \
		-DOPENAPI_YAML='"examples/modules/$*/openapi.yaml"' $(if $(SANITIZER),,-Wl,-z,defs) \
		-Wl,--version-script=examples/modules/$*/exports.map -o $@ \
		$(sort $(wildcard examples/modules/$*/*.cc))
$(RUST_EXAMPLES:%=$(BUILD)/examples/modules/%.so): $(BUILD)/examples/modules/%.so:
	$(call say,RUSTC,$@)
	@mkdir -p $(@D)
	$(call unless_missing,$(RUSTC)) $(RUSTC) --edition 2021 --crate-type cdylib --crate-name $(subst -,_,$*) \
		-C opt-level=2 -C strip=symbols -C link-arg=-Wl,-z,defs -D warnings \
		-o $@ examples/modules/$*/lib.rs
$(foreach m,$(CXX_EXAMPLES) $(RUST_EXAMPLES),\
	$(eval $(BUILD)/examples/modules/$(m).so: $(wildcard examples/modules/$(m)/*)))

# Modules that end-to-end tests load; one file each. Most are made with the module SDK, as those of
# authors are; what shows the ABI itself uses nothing of it.
$(BUILD)/tests/modules/%.so: $(BUILD)/tests/e2e/modules/%.o $(BUILD)/libkoine-module.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(MODULE_LINK) -o $@ $^ $(call libs,jansson $(packages_of_$*)) -lpthread
$(BUILD)/tests/modules/%.so: tests/e2e/modules/%.cc
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -O1 -Wall -Wextra -Werror -Iinclude -fPIC -fvisibility=hidden -shared -Wl,-z,defs \
		-MMD -MP -MF $(@:.so=.d) -o $@ $<
# The one that is refused for what -z,defs would have shown.
$(BUILD)/tests/modules/undefined.so: MODULE_LINK := $(LINK) -shared

# The source of the binary fixture of ABI 1.0, with today's headers.
$(BUILD)/tests/modules/module_v1.so: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/abi/v1/*.c)))
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(MODULE_LINK) -o $@ $^ -lpthread

$(BUILD)/tests/standin-cli: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/support/standin_cli*.c)))
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(call libs,jansson) -lm
$(BUILD)/tests/standin-api: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/support/standin_api*.c)))
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(call libs,libevent jansson)

# An archive: a unit test that uses a part of the support links that part and what it needs alone.
$(BUILD)/tests/libsupport.a: $(E2E_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/tests/libsupport.a $(BUILD)/libkoine-gateway.a \
		$(BUILD)/tests/libmodule.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(call libs,$(PACKAGES) check) -ldl -lpthread
$(BUILD)/tests/unit/test_host_%: $(BUILD)/tests/unit/test_host_%.o $(BUILD)/tests/libsupport.a $(TEST_HOST) \
		| $(ALL) $(STANDINS) $(TEST_MODULES:%=$(BUILD)/tests/modules/%.so)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(call libs,libcurl jansson check) -ldl -lpthread
# MODULE_…_test links the parts of that module, too.
define module_test_rules
$(BUILD)/tests/lib$(1).a: $$(patsubst %.c,$(BUILD)/%.o,$$(sort $$(wildcard modules/$(1)/*.c)))
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
$(BUILD)/tests/unit/$(1)_%: $(BUILD)/tests/unit/$(1)_%.o $(BUILD)/tests/lib$(1).a \
		$(BUILD)/tests/libsupport.a $(BUILD)/tests/libmodule.a
	$$(call say,LINK,$$@)
	$$(Q)$$(LINK) -o $$@ $$^ $$(call libs,jansson libcrypto check) -lpthread
endef
$(foreach m,anthropic openai,$(eval $(call module_test_rules,$(m))))
$(filter %_memory_test,$(UNIT_TESTS)): $(BUILD)/tests/support/failing_heap.o
$(BUILD)/tests/e2e/%: $(BUILD)/tests/e2e/%.o $(BUILD)/tests/libsupport.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(call libs,libcurl jansson check $(TEST_PACKAGES)) -lpthread
# Tests that make a database, or a signature.
$(filter %sql_tool_test,$(E2E_TESTS)): TEST_PACKAGES := sqlite3
$(filter %auth_webhook_test,$(E2E_TESTS)): TEST_PACKAGES := libcrypto
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/measure.o
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(call libs,libevent jansson) -lpthread
$(BUILD)/tests/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(HOST_SOURCES) $(SDK_SOURCES)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined $(DEFINES) -Iinclude -Igateway -Isdk -Isdk/module \
		-o $@ $^ $(call libs,$(PACKAGES)) -ldl -lpthread
.SECONDARY:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- what a machine needs ------------------------------------------------------------------------
BUILD_PACKAGES := gcc make binutils openssl pkg-config libevent-dev libjansson-dev libyaml-dev libssl-dev libc6-dev
CHECK_PACKAGES := $(BUILD_PACKAGES) g++ rustc clang libclang-rt-14-dev clang-format clang-tidy cppcheck \
	valgrind check libcurl4-openssl-dev libsqlite3-dev abigail-tools curl python3 procps chromium
setup:
	@tests/support/install-packages $(BUILD_PACKAGES)
setup-check:
	@tests/support/install-packages $(CHECK_PACKAGES) $$(command -v npm >/dev/null || echo npm)

# What serving needs; curl is for the first request, where it can be installed without being asked.
RUN := $(BUILD)/koine-gateway $(MODULES:%=$(BUILD)/modules/%.so) $(BUILD)/tests/standin-cli $(VIEWER)
runnable: $(RUN)
setup-run:
	@tests/support/install-packages $(BUILD_PACKAGES) \
		$$([ "$$(id -u)" != 0 ] || command -v curl >/dev/null || echo curl)
# What has been built is served; else what is built in half the time, as it is not optimised.
RUN_BUILD := $(if $(wildcard $(BUILD)/koine-gateway),$(BUILD),$(BUILD)/quick)
run: setup-run
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=$(RUN_BUILD) \
		$(if $(filter %/quick,$(RUN_BUILD)),CFLAGS='-O0 -U_FORTIFY_SOURCE') runnable
	@gateway/run $(RUN_BUILD)

# ---- tests ---------------------------------------------------------------------------------------
check: setup-check
	@$(MAKE) --no-print-directory test

test:
	@tests/run-all

# The ordinary tests run it with fewer runs. KOINE_CHAOS_SEED=N repeats one.
CHAOS := KOINE_CHAOS_RUNS=$${KOINE_CHAOS_RUNS:-1000} CK_DEFAULT_TIMEOUT=900
SANITIZED := SANITIZER=address,undefined BUILD=build/sanitize
check-chaos:
	@$(MAKE) --no-print-directory -s -j2 e2e
	@$(CHAOS) build/tests/e2e/chaos_test
	@$(MAKE) --no-print-directory -s -j2 $(SANITIZED) e2e-parts
	@$(CHAOS) KOINE_SLOW=1 KOINE_GATEWAY=build/sanitize/koine-gateway \
		KOINE_STANDIN_CLI=build/sanitize/tests/standin-cli \
		ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1 \
		build/tests/e2e/chaos_test

unit: $(UNIT_TESTS) $(STANDINS)
# What the end-to-end tests start and load: sanitized, without test programs that only ask for it.
e2e-parts: all examples $(STANDINS) $(TEST_MODULES:%=$(BUILD)/tests/modules/%.so) \
	$(BUILD)/tests/modules/module_v1.so
e2e: e2e-parts $(E2E_TESTS)
abi: e2e
	@tests/abi/check $(BUILD)
clients: all standins
	@tests/clients/run $(BUILD)
browser: all standins $(BUILD)/examples/modules/hello.so
	@tests/browser/run $(BUILD)
document: all standins examples
	@tests/openapi/run $(BUILD)
# After KOINE_ABI_MINOR was raised: the new record stands beside the old ones.
abi-record:
	@tests/abi/record include tests/abi/records
fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do echo "  FUZZ   $$f"; $$f -max_total_time=$${FUZZ_SECONDS:-20} -timeout=5 \
		-print_final_stats=0 -verbosity=0 || exit 1; done

bench: all standins $(BENCHES) $(BUILD)/tests/modules/manners.so
	@tests/bench/run $(BUILD)

# The document of the stock modules: what a gateway without a configuration serves.
OPENAPI_DOCUMENT = { echo "\# Generated by \`make openapi\` from gateway/openapi.yaml and modules/*/openapi.yaml."; \
	env -i HOME=/nonexistent $(BUILD)/koine-gateway --openapi; }
openapi: all
	$(Q)$(OPENAPI_DOCUMENT) >$(BUILD)/openapi.yaml
	$(Q)mv $(BUILD)/openapi.yaml openapi.yaml
openapi-check: all
	@$(OPENAPI_DOCUMENT) | diff -u openapi.yaml - || { echo "openapi.yaml is not fresh: run make openapi" >&2; exit 1; }
lint: openapi-check
	@tests/lint
format:
	@find include gateway modules tests sdk examples -name '*.[ch]' -o -name '*.cc' | xargs clang-format -i

# ---- installation --------------------------------------------------------------------------------
# The guide and the modules to begin from; hello is what koine-new-module copies.
EXAMPLE_FILES = $(shell find examples/modules -type f ! -name '*.so' ! -name '*.o' ! -name '*_test' ! -name '*-test' \
	! -name '*-check' ! -path '*/target/*' | sort)
INSTALLED := $(DESTDIR)$(PREFIX)
SHARE := $(INSTALLED)/share/koine-gateway
# Where they are themselves tells them where headers and libraries are.
$(BUILD)/%.pc: %.pc.in Makefile
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' $< >$@

install: all $(BUILD)/tests/standin-cli $(PKG_CONFIGS)
	install -d $(INSTALLED)/bin $(INSTALLED)/lib/koine-gateway/modules $(INSTALLED)/lib/pkgconfig \
		$(INSTALLED)/include/koine $(INSTALLED)/include/koine-module $(SHARE)
	install -m 755 $(BUILD)/koine-gateway $(BUILD)/koine-test-host sdk/module/koine-new-module $(INSTALLED)/bin/
	install -m 644 $(MODULES:%=$(BUILD)/modules/%.so) $(INSTALLED)/lib/koine-gateway/modules/
	[ ! -d $(dir $(VIEWER)) ] || { rm -rf $(SHARE)/docs && mkdir $(SHARE)/docs && cp -R $(dir $(VIEWER)) $(SHARE)/docs/; }
	install -m 755 $(BUILD)/tests/standin-cli $(INSTALLED)/lib/koine-gateway/
	install -m 644 $(BUILD)/libkoine-module.a $(TEST_HOST) $(INSTALLED)/lib/
	install -m 644 $(PKG_CONFIGS) $(INSTALLED)/lib/pkgconfig/
	install -m 644 include/koine/*.h $(INSTALLED)/include/koine/
	install -m 644 sdk/module/koine-module/*.h $(INSTALLED)/include/koine-module/
	install -m 644 sdk/test-host/koine-test-host.h $(INSTALLED)/include/
	for file in $(EXAMPLE_FILES) sdk/README.md $(wildcard modules/*/README.md); do install -D -m 644 $$file $(SHARE)/$$file || exit 1; done
	install -m 644 examples/config/koine-gateway.yaml openapi.yaml LICENSE README.md sdk/module/module.mk \
		sdk/module/chat-settings.json $(SHARE)/
clean:
	rm -rf build
