// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// Loads tap programs, thousands of them if need be. libbpf takes 9 ms each time, most of it for
// reading the kernel's types; what it makes of the object is the same for every tap but for the
// maps and the configuration. So it does that once per process, and each tap is that with its own.
#pragma once

#include <string>
#include <vector>

#include <linux/bpf.h>

#include "fd.h"
#include "maps.h"

// 0 and *out, or a negative errno; the verifier's log goes to the LibbpfLog of this thread.
int load_tap_program(const std::string &program, const SharedMaps &maps, const xs_config &config,
		     Fd *out);

// The same for instructions of our own. Both programs of a tail call must agree on type, attach
// type and multi-buffer frames: is_xdp says all three.
int load_instructions(const char *name, const std::vector<bpf_insn> &code, bool is_xdp, Fd *out);
