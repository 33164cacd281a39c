// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "per_cpu.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <vector>

int sum_over_cpus(int map, uint32_t key, size_t words, double *sums)
{
	const auto cpus = static_cast<size_t>(libbpf_num_possible_cpus());
	std::vector<uint64_t> values(words * cpus);
	if (bpf_map_lookup_elem(map, &key, values.data()))
		return -errno;
	for (size_t w = 0; w < words; w++) {
		uint64_t sum = 0;
		for (size_t cpu = 0; cpu < cpus; cpu++)
			sum += values[cpu * words + w];
		sums[w] = static_cast<double>(sum);
	}
	return 0;
}
