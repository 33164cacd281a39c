// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// Inside the addon a failure is a negative errno. This is where it becomes a JavaScript error.
#pragma once

#include <napi.h>

#include <string>

// Throws an Error with `code` ("EPERM"), `errno` (positive), `operation` and, where a program was
// refused, `verifierLog`, when result is negative. Returns result otherwise.
int check(Napi::Env env, int result, const char *operation, const std::string &verifier_log = "");

// Collects what libbpf prints on this thread while it lives; nothing reaches the terminal.
class LibbpfLog
{
public:
	LibbpfLog();
	~LibbpfLog();
	LibbpfLog(const LibbpfLog &) = delete;
	LibbpfLog &operator=(const LibbpfLog &) = delete;

	const std::string &text() const { return text_; }
	// A line of our own, to the innermost log of this thread.
	static void add(const char *line);
	static void install();

private:
	friend struct LibbpfLogWriter;
	std::string text_;
	LibbpfLog *outer_;
};
