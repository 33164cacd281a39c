// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// How the drain thread writes a record into a slab: the one copy between ring and consumer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "abi.h"

class Format
{
public:
	virtual ~Format() = default;
	virtual size_t space(const xs_record &record) const = 0;
	// to has space(record) bytes. wall_ns: nanoseconds since 1970-01-01 UTC.
	virtual void write(uint8_t *to, const xs_record &record, uint64_t wall_ns) = 0;
	// The file must end before this record.
	virtual bool cuts_before(const xs_record &, uint64_t) const { return false; }
	// A new file begins with a record of this time; returns the time that it is named after.
	virtual uint64_t begin_file(uint64_t wall_ns) { return wall_ns; }
};

// struct xs_record with the time made wall-clock time, then the bytes, padded to 8.
class RawFormat : public Format
{
public:
	size_t space(const xs_record &record) const override;
	void write(uint8_t *to, const xs_record &record, uint64_t wall_ns) override;
};

// pcapng Enhanced Packet Blocks (draft-ietf-opsawg-pcapng, section 4.3), little-endian. The other
// blocks of a file are few and come from TypeScript.
class PcapngFormat : public Format
{
public:
	struct Rotation {
		uint64_t bytes = std::numeric_limits<uint64_t>::max(); // of blocks in one file
		uint64_t period_ns = 0;				       // 0: never
		uint64_t start_ns = 0; // where periods are counted from
	};
	explicit PcapngFormat(const Rotation &rotation) : rotation_(rotation)
	{
		period_end_ns_ = rotation.period_ns ? rotation.start_ns + rotation.period_ns
						    : std::numeric_limits<uint64_t>::max();
	}
	size_t space(const xs_record &record) const override;
	void write(uint8_t *to, const xs_record &record, uint64_t wall_ns) override;
	bool cuts_before(const xs_record &record, uint64_t wall_ns) const override;
	uint64_t begin_file(uint64_t wall_ns) override;

private:
	Rotation rotation_;
	uint64_t file_bytes_ = 0;
	uint64_t period_end_ns_;
};
