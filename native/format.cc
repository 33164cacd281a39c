// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "format.h"

#include <cstring>

namespace
{

constexpr uint32_t block_epb = 6;
constexpr size_t epb_fixed = 28; // type, length, interface, time (2), captured, original
constexpr size_t option_end = 4;
constexpr uint16_t option_flags = 2, option_dropcount = 4, option_queue = 6;
constexpr uint32_t unicast = 1, multicast = 2, broadcast = 3, promiscuous = 4;

size_t pad4(size_t n)
{
	return (n + 3) & ~size_t{3};
}
size_t pad8(size_t n)
{
	return (n + 7) & ~size_t{7};
}

// Writes little-endian words one behind the other. xspan runs on little-endian hosts only.
class Cursor
{
public:
	explicit Cursor(uint8_t *to) : to_(to) {}
	template <typename T> void put(T value)
	{
		memcpy(to_, &value, sizeof(value));
		to_ += sizeof(value);
	}
	void bytes(const void *from, size_t length, size_t padded)
	{
		memcpy(to_, from, length);
		memset(to_ + length, 0, padded - length);
		to_ += padded;
	}
	void option(uint16_t code, uint16_t length)
	{
		put(code);
		put(length);
	}

private:
	uint8_t *to_;
};

size_t hop_room(const xs_record &record)
{
	return record.flags & XS_REC_HOP_ROOM ? sizeof(xs_next_hop) : 0;
}

const uint8_t *frame(const xs_record &record)
{
	return record.data + hop_room(record);
}

uint32_t reception_type(const xs_record &record)
{
	static const uint8_t all_ones[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (record.flags & XS_REC_OTHERHOST)
		return promiscuous;
	if (record.cap_len < sizeof(all_ones))
		return 0;
	if (!memcmp(frame(record), all_ones, sizeof(all_ones)))
		return broadcast;
	return frame(record)[0] & 1 ? multicast : unicast;
}

uint32_t epb_flags(const xs_record &record)
{
	uint32_t flags = record.flags & XS_REC_TX ? XS_DIR_TX : XS_DIR_RX;
	flags |= reception_type(record) << 2;
	if (record.flags & XS_REC_CSUM_NOT_READY)
		flags |= 1U << 9;
	if (record.flags & XS_REC_CSUM_VALID)
		flags |= 1U << 10;
	if (record.flags & XS_REC_GSO)
		flags |= 1U << 11;
	return flags;
}

} // namespace

size_t RawFormat::space(const xs_record &record) const
{
	return sizeof(record) + pad8(hop_room(record) + record.cap_len);
}

void RawFormat::write(uint8_t *to, const xs_record &record, uint64_t wall_ns)
{
	memcpy(to, &record, sizeof(record) + hop_room(record) + record.cap_len);
	reinterpret_cast<xs_record *>(to)->time_ns = wall_ns;
}

size_t PcapngFormat::space(const xs_record &record) const
{
	return epb_fixed + pad4(record.cap_len) + 8 + (record.lost ? 12 : 0) +
	       (record.queue ? 8 : 0) + option_end + 4;
}

void PcapngFormat::write(uint8_t *to, const xs_record &record, uint64_t wall_ns)
{
	const auto length = static_cast<uint32_t>(space(record));
	Cursor out(to);

	out.put(block_epb);
	out.put(length);
	out.put(uint32_t{record.tap});
	out.put(static_cast<uint32_t>(wall_ns >> 32));
	out.put(static_cast<uint32_t>(wall_ns));
	out.put(record.cap_len);
	out.put(record.wire_len);
	out.bytes(frame(record), record.cap_len, pad4(record.cap_len));
	out.option(option_flags, 4);
	out.put(epb_flags(record));
	if (record.lost) {
		out.option(option_dropcount, 8);
		out.put(uint64_t{record.lost});
	}
	if (record.queue) {
		out.option(option_queue, 4);
		out.put(uint32_t{record.queue} - 1);
	}
	out.option(0, 0);
	out.put(length);
	file_bytes_ += length;
}

bool PcapngFormat::cuts_before(const xs_record &record, uint64_t wall_ns) const
{
	if (wall_ns >= period_end_ns_)
		return true;
	return file_bytes_ && file_bytes_ + space(record) > rotation_.bytes;
}

uint64_t PcapngFormat::begin_file(uint64_t wall_ns)
{
	const uint64_t period = rotation_.period_ns;
	file_bytes_ = 0;
	if (!period)
		return wall_ns;
	if (wall_ns >= period_end_ns_)
		period_end_ns_ += ((wall_ns - period_end_ns_) / period + 1) * period;
	return period_end_ns_ - period;
}
