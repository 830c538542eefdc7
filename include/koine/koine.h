/* SPDX-License-Identifier: Apache-2.0 */
/* The whole ABI of modules. Start reading at module.h; each header is the reference of its part. */
#ifndef KOINE_KOINE_H
#define KOINE_KOINE_H

#include <koine/auth.h>
#include <koine/base.h>
#include <koine/config.h>
#include <koine/extension.h>
#include <koine/http.h>
#include <koine/log.h>
#include <koine/loop.h>
#include <koine/metrics.h>
#include <koine/module.h>
#include <koine/runner.h>
#include <koine/slots.h>
#include <koine/tools.h>

#endif
