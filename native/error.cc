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
		char line[4096];
		if (level == LIBBPF_DEBUG || !current_log)
			return 0;
		vsnprintf(line, sizeof(line), format, args);
		current_log->text_ += line;
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
