# SPDX-License-Identifier: Apache-2.0
# make | make run | make check | make bench | make lint | make install DESTDIR= PREFIX= | make clean
VERSION := 0.1.0
PREFIX ?= /usr/local
CC ?= gcc
SANITIZER ?=
BUILD ?= build$(if $(SANITIZER),/$(SANITIZER))
V ?=
Q := $(if $(V),,@)
say = @printf '  %-7s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$(2))'

PACKAGES := libevent libevent_pthreads jansson yaml-0.1 libcrypto
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Wcast-qual
DEFINES := -D_GNU_SOURCE -DKOINE_VERSION='"$(VERSION)"' -DKOINE_MODULE_DIR='"$(PREFIX)/lib/koine-gateway/modules"'
OPTIMISE := $(if $(SANITIZER),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZER) -fno-sanitize-recover=all,-O2)
CFLAGS ?= -g
ALL_CFLAGS = -std=c11 $(OPTIMISE) $(CFLAGS) $(WARN) $(DEFINES) -fPIC -Iinclude -Igateway -Itests $(shell pkg-config --cflags $(PACKAGES))
ALL_LDFLAGS = $(LDFLAGS) $(if $(SANITIZER),-fsanitize=$(SANITIZER))
LIBS = $(shell pkg-config --libs $(PACKAGES)) -ldl -lpthread
