# SPDX-License-Identifier: Apache-2.0
# How a module in C is built, tested and installed. Included by a module's Makefile, which says before
#   NAME            what the module is called; NAME.so is made of all *.c beside the Makefile
#   PACKAGES        further packages of pkg-config that it needs (koine-module is always there)
#   TEST_PACKAGES   further ones that tests/*_test.c need (koine-test-host and check are)
# CC, CFLAGS, CPPFLAGS, LDFLAGS and DESTDIR are yours, as usual.

CFLAGS ?= -O2 -g
KOINE_WARN := -Wall -Wextra
KOINE_PACKAGES := koine-module $(PACKAGES)
KOINE_TEST_PACKAGES := koine-test-host check $(TEST_PACKAGES)
# Everything is hidden but koine_module(); a symbol that nobody defines is an error here, not at start.
KOINE_CFLAGS := -std=gnu11 -fPIC -fvisibility=hidden $(KOINE_WARN) $(shell pkg-config --cflags $(KOINE_PACKAGES))
KOINE_LDFLAGS := -shared -Wl,-z,defs -Wl,--gc-sections
KOINE_SOURCES := $(sort $(wildcard *.c))
KOINE_TESTS := $(patsubst %.c,%,$(sort $(wildcard tests/*_test.c)))
KOINE_MODULE_DIRECTORY := $(DESTDIR)$(shell pkg-config --variable=moduledir koine-module)

all: $(NAME).so

$(NAME).so: $(KOINE_SOURCES:.c=.o)
	$(CC) $(KOINE_LDFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs $(KOINE_PACKAGES))

# The compiler does not say which files have become part of the module.
%.o: %.c $(wildcard *.h openapi.yaml config-schema.json)
	$(CC) $(KOINE_CFLAGS) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

# Before pkg-config and the compiler say it in their way.
test-packages:
	@for package in $(KOINE_TEST_PACKAGES); do pkg-config --exists $$package || { \
		echo "The tests need the package '$$package' of pkg-config. On Debian: apt-get install check libjansson-dev" >&2; \
		exit 1; }; done

tests/%_test: tests/%_test.c | test-packages
	$(CC) -std=gnu11 $(KOINE_WARN) $(CFLAGS) $(shell pkg-config --cflags $(KOINE_TEST_PACKAGES)) \
		-o $@ $< $(shell pkg-config --libs $(KOINE_TEST_PACKAGES))

test: $(NAME).so $(KOINE_TESTS)
	@for program in $(KOINE_TESTS); do $$program || exit 1; done

run: $(NAME).so
	koine-gateway --config gateway.yaml

install: $(NAME).so
	install -d $(KOINE_MODULE_DIRECTORY)
	install -m 644 $(NAME).so $(KOINE_MODULE_DIRECTORY)/

clean:
	rm -f *.o $(NAME).so $(KOINE_TESTS)

.PHONY: all test test-packages run install clean
