// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// Lets a thread tell JavaScript "look again". Calls that come before JavaScript looked are one
// call.
#pragma once

#include <node_api.h>

#include <atomic>

class Notifier
{
public:
	// callback takes no arguments. keep_alive: the event loop runs on while this exists.
	napi_status open(napi_env env, napi_value callback, bool keep_alive);
	~Notifier() { close(); }

	// From any thread, between open and close.
	void notify();
	// From the JavaScript thread, after the thread that notifies has ended.
	void close();

private:
	static void call(napi_env env, napi_value callback, void *context, void *data);

	napi_threadsafe_function function_ = nullptr;
	std::atomic<bool> pending_{false};
};
