// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#pragma once

#include <cstddef>
#include <cstdint>

// Adds up one entry of a per-CPU map of __u64 words, over all CPUs. 0 or a negative errno.
int sum_over_cpus(int map, uint32_t key, size_t words, double *sums);
