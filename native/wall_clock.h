// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// Wall-clock time of kernel timestamps.
#pragma once

#include <cstdint>
#include <ctime>

// Frames are stamped with CLOCK_BOOTTIME, which never steps. Wall-clock time is that plus an offset
// which changes only when somebody sets the clock (NTP's slewing moves both clocks alike). It is
// measured afresh in every round of the drain thread: order and spacing of frames are those of the
// steady clock, and within about a millisecond of a step frames carry the corrected time.
class WallClock
{
public:
	static uint64_t now(clockid_t clock)
	{
		timespec t;
		clock_gettime(clock, &t);
		return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 +
		       static_cast<uint64_t>(t.tv_nsec);
	}
	// A change below this is the uncertainty of the measurement, not a step.
	static constexpr int64_t noise_ns = 10'000;

	void measure()
	{
		const uint64_t before = now(CLOCK_BOOTTIME);
		const uint64_t wall = now(CLOCK_REALTIME);
		update(before, wall, now(CLOCK_BOOTTIME));
	}
	// wall was read between the two readings of CLOCK_BOOTTIME.
	void update(uint64_t before, uint64_t wall, uint64_t after)
	{
		const int64_t noise = static_cast<int64_t>(after - before);
		const int64_t offset = static_cast<int64_t>(wall - (before + (after - before) / 2));
		const int64_t change = offset - offset_ns_;
		if (change > noise + noise_ns || change < -noise - noise_ns)
			offset_ns_ = offset;
	}
	uint64_t wall_ns(uint64_t boot_ns) const
	{
		return boot_ns + static_cast<uint64_t>(offset_ns_);
	}

private:
	int64_t offset_ns_ = 0;
};
