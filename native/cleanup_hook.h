// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// Calls Owner::stop() when the environment goes away (a worker is terminated, the process exits)
// before the owner does: threads must end before the environment they report to.
#pragma once

#include <node_api.h>

template <typename Owner> class CleanupHook
{
public:
	CleanupHook(napi_env env, Owner *owner) : env_(env), owner_(owner)
	{
		armed_ = napi_add_env_cleanup_hook(env_, call, owner_) == napi_ok;
	}
	~CleanupHook() { disarm(); }
	CleanupHook(const CleanupHook &) = delete;
	CleanupHook &operator=(const CleanupHook &) = delete;

	void disarm()
	{
		if (armed_)
			napi_remove_env_cleanup_hook(env_, call, owner_);
		armed_ = false;
	}

private:
	static void call(void *owner) { static_cast<Owner *>(owner)->stop(); }

	napi_env env_;
	Owner *owner_;
	bool armed_ = false;
};
