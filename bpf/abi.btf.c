// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Compiled for its BTF only: one variable of every type that TypeScript needs to know. */
#include "abi.h"

enum xs_abi abi;
enum xs_direction direction;
enum xs_sink sink;
enum xs_lost lost;
enum xs_sample sample;
enum xs_record_flags record_flags;
enum xs_other other;
struct xs_counters counters;
struct xs_config config;
struct xs_record *record;
enum xs_inner_ifindex inner_ifindex;
enum xs_port_lost port_lost;
enum xs_erspan erspan;
enum xs_port_limits port_limits;
struct xs_port_counters port_counters;
struct xs_port_config port_config;
struct xs_port_state port_state;
