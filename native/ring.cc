// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace
{

// Space is handed back in steps: the kernel reads this word on every reservation.
constexpr uint64_t release_step = 65536;

uint64_t load_position(const void *page)
{
	return __atomic_load_n(static_cast<const uint64_t *>(page), __ATOMIC_ACQUIRE);
}

size_t page_size()
{
	return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

Ring::Ring(Ring &&other) noexcept
    : consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(std::exchange(other.producer_, nullptr)), bytes_(other.bytes_),
      position_(other.position_), released_(other.released_), horizon_(other.horizon_)
{
}

Ring::~Ring()
{
	if (consumer_)
		munmap(consumer_, page_size());
	if (producer_)
		munmap(producer_, page_size() + 2 * bytes_);
}

int Ring::open(int fd, size_t bytes)
{
	bytes_ = bytes;
	void *page = mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	consumer_ = page;
	page = mmap(nullptr, page_size() + 2 * bytes, PROT_READ, MAP_SHARED, fd,
		    static_cast<off_t>(page_size()));
	if (page == MAP_FAILED)
		return -errno;
	producer_ = page;
	position_ = released_ = load_position(consumer_);
	return 0;
}

void Ring::set_horizon()
{
	horizon_ = load_position(producer_);
}

bool Ring::empty() const
{
	return load_position(producer_) == position_;
}

Ring::Head Ring::head()
{
	const auto *data = static_cast<const uint8_t *>(producer_) + page_size();

	while (position_ != horizon_) {
		const auto *header = data + (position_ & (bytes_ - 1));
		const auto length = __atomic_load_n(reinterpret_cast<const uint32_t *>(header),
						    __ATOMIC_ACQUIRE);
		if (length & BPF_RINGBUF_BUSY_BIT)
			return Head::busy;
		const auto size = length & ~BPF_RINGBUF_DISCARD_BIT;
		record_space_ = (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
		record_ = reinterpret_cast<const xs_record *>(header + BPF_RINGBUF_HDR_SZ);
		if (!(length & BPF_RINGBUF_DISCARD_BIT))
			return Head::record;
		advance();
	}
	return Head::none;
}

void Ring::advance()
{
	position_ += record_space_;
	if (position_ - released_ >= release_step)
		release();
}

void Ring::release()
{
	if (position_ == released_)
		return;
	__atomic_store_n(static_cast<uint64_t *>(consumer_), position_, __ATOMIC_RELEASE);
	released_ = position_;
}
