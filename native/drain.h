// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The thread that empties a session's rings into slabs, in order of time over all CPUs.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "fd.h"
#include "format.h"
#include "maps.h"
#include "notifier.h"
#include "ring.h"
#include "slab.h"
#include "wall_clock.h"

class Drain
{
public:
	static constexpr size_t slab_count = 8;

	Drain(std::shared_ptr<SharedMaps> maps, std::unique_ptr<Format> format);
	~Drain() { abandon(); }

	int open();
	// notifier is called when take() has something new, and must outlive the thread.
	void start(Notifier *notifier);

	struct Taken {
		size_t slab, bytes, records;
		uint64_t next_file_ns; // 0: the file goes on
	};
	// The oldest filled slab. It stays the caller's until give_back.
	bool take(Taken *out);
	void give_back(size_t slab);

	// The taps are detached: hand over what is left, then end. finished() tells when.
	void finish() { order(Mode::finish); }
	// Nobody takes any more: count what is left, then end. Waits for the thread.
	void abandon();
	bool finished() const { return finished_; }

	const std::vector<Slab> &slabs() const { return slabs_; }
	// Frames and bytes per tap that were in the rings when the session was abandoned.
	const std::vector<double> &abandoned() const { return abandoned_; }

private:
	enum class Mode { run, finish, abandon };

	void run();
	// Moves records until rings or slabs are exhausted; how many.
	size_t round();
	size_t emit_run(size_t ring, uint64_t until);
	bool emit(const xs_record &record);
	bool slab_for(const xs_record &record, uint64_t wall_ns);
	bool claim_slab();
	void hand_over();
	void count_rest();
	bool rings_empty() const;
	void sleep_until_record();
	void linger();
	void order(Mode mode);
	void wait_for_order(int timeout_ms);

	std::shared_ptr<SharedMaps> maps_;
	std::unique_ptr<Format> format_;
	std::vector<Ring> rings_;
	std::vector<Slab> slabs_;
	std::vector<double> abandoned_;
	WallClock clock_;
	Fd epoll_, wake_;
	Notifier *notifier_ = nullptr;
	std::thread thread_;
	std::atomic<Mode> mode_{Mode::run};
	std::atomic<bool> finished_{false};
	Slab *filling_ = nullptr; // the drain thread's own

	std::mutex mutex_; // of the two below
	std::deque<size_t> filled_;
	std::vector<size_t> free_;
};
