/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The maps that all taps of a session share. User space creates them first and sets their sizes. */
#ifndef XSPAN_MAPS_H
#define XSPAN_MAPS_H

#include "abi.h"
#include "kernel.h"

const volatile struct xs_config config SEC(".rodata");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xs_state);
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* one per tap */
	__type(key, __u32);
	__type(value, struct xs_counters);
} counters SEC(".maps");

/* One ring per CPU: a shared one falls from 32 to under 10 M records/s with the second producer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* one per possible CPU */
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} rings SEC(".maps");

#endif
