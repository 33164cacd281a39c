// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "notifier.h"

// Plain Node-API with every status looked at: while an environment is torn down calls into
// JavaScript fail, and a C++ exception here would abort the process.

napi_status Notifier::open(napi_env env, napi_value callback, bool keep_alive)
{
	napi_value name;
	napi_status status = napi_create_string_utf8(env, "xspan", NAPI_AUTO_LENGTH, &name);
	if (status != napi_ok)
		return status;
	status = napi_create_threadsafe_function(env, callback, nullptr, name, 0, 1, nullptr,
						 nullptr, &pending_, call, &function_);
	if (status == napi_ok && !keep_alive)
		status = napi_unref_threadsafe_function(env, function_);
	return status;
}

void Notifier::notify()
{
	if (!pending_.exchange(true))
		napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
}

void Notifier::close()
{
	if (function_)
		napi_release_threadsafe_function(function_, napi_tsfn_abort);
	function_ = nullptr;
}

void Notifier::call(napi_env env, napi_value callback, void *context, void *)
{
	napi_value undefined, exception;

	if (!env || !callback) // the environment is going away
		return;
	// context is &pending_; the Notifier lives until close(), after which no call is made
	static_cast<std::atomic<bool> *>(context)->store(false);
	if (napi_get_undefined(env, &undefined) != napi_ok)
		return;
	if (napi_call_function(env, undefined, callback, 0, nullptr, nullptr) !=
	    napi_pending_exception)
		return;
	if (napi_get_and_clear_last_exception(env, &exception) == napi_ok)
		napi_fatal_exception(env, exception);
}
