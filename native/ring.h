// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The consumer's side of one BPF ring buffer (kernel/bpf/ringbuf.c), without a callback per record.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi.h"

class Ring
{
public:
	enum class Head {
		record, // record() is the oldest one
		none,	// nothing before the horizon
		busy,	// the oldest one is still being written
	};

	Ring() = default;
	Ring(Ring &&other) noexcept;
	Ring(const Ring &) = delete;
	Ring &operator=(const Ring &) = delete;
	~Ring();

	// bytes: the map's max_entries. 0 or negative errno.
	int open(int fd, size_t bytes);
	// From now on only what was reserved up to this moment is looked at.
	void set_horizon();
	Head head();
	const xs_record *record() const { return record_; }
	void advance();
	// Gives the space of what was consumed back to the kernel.
	void release();
	bool empty() const;

private:
	void *consumer_ = nullptr; // read-write page
	void *producer_ = nullptr; // read-only page, then the data twice
	size_t bytes_ = 0;
	uint64_t position_ = 0;
	uint64_t released_ = 0;
	uint64_t horizon_ = 0;
	const xs_record *record_ = nullptr;
	uint32_t record_space_ = 0;
};
