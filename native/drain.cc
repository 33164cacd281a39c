// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "drain.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <cerrno>
#include <limits>

namespace
{

// Between rounds while frames come: cheaper than a wake-up per record, and well below the time in
// which a ring of default size fills.
constexpr long linger_ns = 1'000'000;
// A wake-up that was missed costs no more than this.
constexpr int longest_sleep_ms = 100;
constexpr uint64_t forever = std::numeric_limits<uint64_t>::max();

} // namespace

Drain::Drain(std::shared_ptr<SharedMaps> maps, std::unique_ptr<Format> format)
    : maps_(std::move(maps)), format_(std::move(format)),
      abandoned_(maps_->taps * SlabLayout::counts_per_tap)
{
	slabs_.reserve(slab_count);
	for (size_t i = 0; i < slab_count; i++) {
		slabs_.emplace_back(maps_->taps);
		free_.push_back(i);
	}
}

int Drain::open()
{
	epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
	wake_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (!epoll_.valid() || !wake_.valid())
		return -errno;
	epoll_event event = {.events = EPOLLIN, .data = {}};
	if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event))
		return -errno;
	event.events = EPOLLIN | EPOLLET; // a ring that is not empty would never let us sleep
	for (const auto &fd : maps_->ring_fds) {
		rings_.emplace_back();
		if (int err = rings_.back().open(fd.get(), maps_->ring_bytes))
			return err;
		if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event))
			return -errno;
	}
	return 0;
}

void Drain::start(Notifier *notifier)
{
	sigset_t all, before;
	notifier_ = notifier;
	// Signals are Node's business: the thread inherits a mask that leaves them all to it.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	thread_ = std::thread(&Drain::run, this);
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Drain::run()
{
	prctl(PR_SET_NAME, "xspan-drain");
	while (mode_ != Mode::abandon) {
		const bool last = mode_ == Mode::finish; // before the round: it sees all there is
		const bool idle = !round() && rings_empty();
		if (idle && last) {
			if (filling_)
				hand_over(); // kept back while JavaScript was behind
			break;
		}
		if (idle)
			sleep_until_record();
		else
			linger(); // frames are coming, or no slab is free, or a record is being
				  // written
	}
	if (mode_ == Mode::abandon)
		count_rest();
	finished_ = true;
	notifier_->notify();
}

// A k-way merge. What was stamped before the round began is in a ring by now (see describe() in
// bpf/ring.h), so records up to that time can be put into one order, whatever CPU they come from.
size_t Drain::round()
{
	size_t moved = 0;
	clock_.measure();
	const uint64_t until = WallClock::now(CLOCK_BOOTTIME);
	for (auto &ring : rings_)
		ring.set_horizon();
	for (;;) {
		size_t first = rings_.size();
		uint64_t earliest = forever, next = until;
		for (size_t i = 0; i < rings_.size(); i++) {
			const auto head = rings_[i].head();
			if (head == Ring::Head::busy) // its time is not known yet
				goto out;
			if (head == Ring::Head::none)
				continue;
			const uint64_t time = rings_[i].record()->time_ns;
			if (time < earliest) {
				next = earliest < next ? earliest : next;
				earliest = time;
				first = i;
			} else if (time < next) {
				next = time;
			}
		}
		if (first == rings_.size() || earliest > until)
			break;
		const size_t emitted = emit_run(first, next);
		moved += emitted;
		if (!emitted)
			break; // no free slab: leave the rest in the ring, where the kernel counts
	}
out:
	for (auto &ring : rings_)
		ring.release();
	if (filling_ && filling_->records()) {
		std::unique_lock lock(mutex_);
		const bool idle = filled_.empty();
		lock.unlock();
		if (idle) // JavaScript keeps up: latency matters more than batch size
			hand_over();
	}
	return moved;
}

// Records of one ring that are not younger than `until`, the oldest of the other rings.
size_t Drain::emit_run(size_t index, uint64_t until)
{
	auto &ring = rings_[index];
	size_t emitted = 0;
	do {
		if (!emit(*ring.record()))
			break;
		emitted++;
		ring.advance();
	} while (ring.head() == Ring::Head::record && ring.record()->time_ns <= until);
	return emitted;
}

bool Drain::emit(const xs_record &record)
{
	const uint64_t wall_ns = clock_.wall_ns(record.time_ns);
	if (!slab_for(record, wall_ns))
		return false;
	auto *to =
		filling_->append(format_->space(record), record.tap, record.segs, record.wire_len);
	format_->write(to, record, wall_ns);
	return true;
}

// Makes filling_ a slab with room for the record. False: all slabs are with JavaScript.
bool Drain::slab_for(const xs_record &record, uint64_t wall_ns)
{
	if (!claim_slab())
		return false;
	if (format_->cuts_before(record, wall_ns)) {
		filling_->end_file(format_->begin_file(wall_ns));
		hand_over();
	} else if (!filling_->fits(format_->space(record))) {
		hand_over();
	}
	return claim_slab();
}

bool Drain::claim_slab()
{
	if (filling_)
		return true;
	std::lock_guard lock(mutex_);
	if (free_.empty())
		return false;
	filling_ = &slabs_[free_.back()];
	free_.pop_back();
	filling_->reset();
	return true;
}

void Drain::hand_over()
{
	{
		std::lock_guard lock(mutex_);
		filled_.push_back(static_cast<size_t>(filling_ - slabs_.data()));
	}
	filling_ = nullptr;
	notifier_->notify();
}

bool Drain::rings_empty() const
{
	for (const auto &ring : rings_)
		if (!ring.empty())
			return false;
	return true;
}

void Drain::sleep_until_record()
{
	__atomic_store_n(&maps_->state->consumer_sleeps, 1, __ATOMIC_SEQ_CST);
	if (rings_empty())
		wait_for_order(longest_sleep_ms);
	__atomic_store_n(&maps_->state->consumer_sleeps, 0, __ATOMIC_RELAXED);
}

void Drain::linger()
{
	const timespec pause = {.tv_sec = 0, .tv_nsec = linger_ns};
	nanosleep(&pause, nullptr);
}

void Drain::wait_for_order(int timeout_ms)
{
	epoll_event event;
	uint64_t value;
	if (epoll_wait(epoll_.get(), &event, 1, timeout_ms) > 0)
		(void)!read(wake_.get(), &value, sizeof(value));
}

void Drain::order(Mode mode)
{
	const uint64_t one = 1;
	mode_ = mode;
	(void)!write(wake_.get(), &one, sizeof(one));
}

void Drain::count_rest()
{
	for (auto &ring : rings_) {
		ring.set_horizon();
		for (; ring.head() == Ring::Head::record; ring.advance()) {
			const auto &record = *ring.record();
			abandoned_[record.tap * SlabLayout::counts_per_tap] += record.segs;
			abandoned_[record.tap * SlabLayout::counts_per_tap + 1] += record.wire_len;
		}
	}
	if (filling_)
		hand_over(); // JavaScript counts what is in slabs
}

void Drain::abandon()
{
	if (!thread_.joinable())
		return;
	order(Mode::abandon);
	thread_.join();
}

bool Drain::take(Taken *out)
{
	std::lock_guard lock(mutex_);
	if (filled_.empty())
		return false;
	const auto index = filled_.front();
	filled_.pop_front();
	*out = {index, slabs_[index].bytes(), slabs_[index].records(),
		slabs_[index].next_file_ns()};
	return true;
}

void Drain::give_back(size_t slab)
{
	std::lock_guard lock(mutex_);
	free_.push_back(slab);
}
