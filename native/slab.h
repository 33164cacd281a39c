// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The bounded memory between the drain thread and JavaScript: a fixed number of slabs, each seen by
// JavaScript as one ArrayBuffer for the life of the session. One side fills, the other reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

struct SlabLayout {
	static constexpr size_t data_bytes = 1 << 20; // holds the largest record several times
	static constexpr size_t max_records = 16384;
	static constexpr size_t offsets_at = data_bytes; // uint32_t[max_records]
	static constexpr size_t counts_at = offsets_at + max_records * sizeof(uint32_t);
	static constexpr size_t counts_per_tap = 2; // double frames, bytes

	static size_t size(size_t taps)
	{
		return counts_at + taps * counts_per_tap * sizeof(double);
	}
};

class Slab
{
public:
	explicit Slab(size_t taps)
	    : taps_(taps), memory_(std::make_shared<std::vector<uint8_t>>(SlabLayout::size(taps)))
	{
		reset();
	}
	void reset()
	{
		bytes_ = records_ = 0;
		next_file_ns_ = 0;
		for (size_t i = 0; i < taps_ * SlabLayout::counts_per_tap; i++)
			counts()[i] = 0;
	}
	bool fits(size_t bytes) const
	{
		return bytes_ + bytes <= SlabLayout::data_bytes &&
		       records_ < SlabLayout::max_records;
	}
	// Room for one record of that many bytes, which must fit.
	uint8_t *append(size_t bytes, uint16_t tap, uint32_t frames, uint32_t wire_bytes)
	{
		auto *to = memory_->data() + bytes_;
		offsets()[records_++] = static_cast<uint32_t>(bytes_);
		bytes_ += bytes;
		counts()[tap * SlabLayout::counts_per_tap] += frames;
		counts()[tap * SlabLayout::counts_per_tap + 1] += wire_bytes;
		return to;
	}
	size_t bytes() const { return bytes_; }
	size_t records() const { return records_; }
	uint64_t next_file_ns() const { return next_file_ns_; }
	void end_file(uint64_t next_file_ns) { next_file_ns_ = next_file_ns; }
	const std::shared_ptr<std::vector<uint8_t>> &memory() const { return memory_; }

private:
	uint32_t *offsets()
	{
		return reinterpret_cast<uint32_t *>(memory_->data() + SlabLayout::offsets_at);
	}
	double *counts()
	{
		return reinterpret_cast<double *>(memory_->data() + SlabLayout::counts_at);
	}

	size_t taps_;
	size_t bytes_ = 0;
	size_t records_ = 0;
	uint64_t next_file_ns_ =
		0; // not 0: JavaScript starts a file after this slab, named after it
	std::shared_ptr<std::vector<uint8_t>> memory_;
};
