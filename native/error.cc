// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "error.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace
{
thread_local LibbpfLog *current_log = nullptr;
}

int check(Napi::Env env, int result, const char *operation, const std::string &verifier_log)
{
	if (result >= 0)
		return result;
	const char *name = strerrorname_np(-result);
	std::string code = name ? name : "EUNKNOWN";
	auto error = Napi::Error::New(env, std::string(operation) + ": " + strerror(-result) +
						   " (" + code + ")");
	error.Set("code", Napi::String::New(env, code));
	error.Set("errno", Napi::Number::New(env, -result));
	error.Set("operation", Napi::String::New(env, operation));
	if (!verifier_log.empty())
		error.Set("verifierLog", Napi::String::New(env, verifier_log));
	throw error;
}

struct LibbpfLogWriter {
	static int write(enum libbpf_print_level level, const char *format, va_list args)
	{
		if (level == LIBBPF_DEBUG || !current_log)
			return 0;
		va_list again; // the verifier's log comes as one line of any length
		va_copy(again, args);
		// The analyzer does not know va_copy here. NOLINTNEXTLINE
		const int length = vsnprintf(nullptr, 0, format, again);
		va_end(again);
		auto &text = current_log->text_;
		const auto end = text.size();
		text.resize(end + static_cast<size_t>(length) + 1);
		vsnprintf(&text[end], static_cast<size_t>(length) + 1, format, args);
		text.pop_back();
		return 0;
	}
};

LibbpfLog::LibbpfLog() : outer_(current_log)
{
	current_log = this;
}
LibbpfLog::~LibbpfLog()
{
	current_log = outer_;
}
void LibbpfLog::install()
{
	libbpf_set_print(LibbpfLogWriter::write);
}

void LibbpfLog::add(const char *line)
{
	if (current_log)
		current_log->text_ += line;
}
