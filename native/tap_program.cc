// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "tap_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "error.h"
#include "tap.skel.h"

namespace
{

// Which map an instruction refers to; the descriptors differ from tap to tap.
enum class Role { none, state, counters, rings, constants };

struct Template {
	std::vector<bpf_insn> code;
	std::vector<Role> roles; // of the instruction at the same index
	std::vector<char> constants;
	size_t config_at = 0;
};

std::mutex mutex;
std::map<std::string, Template> templates;

int reuse_maps(struct tap *skeleton, const SharedMaps &maps)
{
	int err = bpf_map__reuse_fd(skeleton->maps.state, maps.state_fd.get());
	if (!err)
		err = bpf_map__reuse_fd(skeleton->maps.counters, maps.counters_fd.get());
	if (!err)
		err = bpf_map__reuse_fd(skeleton->maps.rings, maps.rings_fd.get());
	return err;
}

void set_config(struct tap *skeleton, const xs_config &config)
{
	memcpy(const_cast<xs_config *>(
		       reinterpret_cast<const volatile xs_config *>(&skeleton->rodata->config)),
	       &config, sizeof(config));
}

Role role_of(const bpf_insn &instruction, const struct tap &skeleton)
{
	if (instruction.code != (BPF_LD | BPF_IMM | BPF_DW))
		return Role::none;
	if (instruction.src_reg != BPF_PSEUDO_MAP_FD && instruction.src_reg != BPF_PSEUDO_MAP_VALUE)
		return Role::none;
	if (instruction.imm == bpf_map__fd(skeleton.maps.state))
		return Role::state;
	if (instruction.imm == bpf_map__fd(skeleton.maps.counters))
		return Role::counters;
	return instruction.imm == bpf_map__fd(skeleton.maps.rings) ? Role::rings : Role::constants;
}

Template read_template(const struct tap &skeleton, const struct bpf_program *program)
{
	Template result;
	const bpf_insn *code = bpf_program__insns(program);
	result.code.assign(code, code + bpf_program__insn_cnt(program));
	for (const auto &instruction : result.code)
		result.roles.push_back(role_of(instruction, skeleton));
	const auto *constants = reinterpret_cast<const char *>(skeleton.rodata);
	result.constants.assign(constants, constants + bpf_map__value_size(skeleton.maps.rodata));
	result.config_at = reinterpret_cast<const char *>(
				   const_cast<const xs_config *>(&skeleton.rodata->config)) -
			   constants;
	return result;
}

// Loads one of the object's programs with libbpf; the others stay out of the kernel.
int make_template(const std::string &name, const SharedMaps &maps, const xs_config &config)
{
	struct tap *skeleton = tap__open();
	if (!skeleton)
		return -errno;
	set_config(skeleton, config);
	struct bpf_program *each, *program = nullptr;
	bpf_object__for_each_program (each, skeleton->obj) {
		const bool wanted = name == bpf_program__name(each);
		bpf_program__set_autoload(each, wanted);
		if (wanted)
			program = each;
	}
	int err = program ? reuse_maps(skeleton, maps) : -ENOENT;
	if (!err)
		err = tap__load(skeleton);
	if (!err)
		templates[name] = read_template(*skeleton, program);
	tap__destroy(skeleton);
	return err;
}

// What a program reads from a frozen map is a constant to the verifier.
int create_constants(const Template &from, const xs_config &config, Fd *out)
{
	auto content = from.constants;
	memcpy(&content[from.config_at], &config, sizeof(config));
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "xspan_config", 4,
			      static_cast<__u32>(content.size()), 1, &opts));
	const __u32 zero = 0;
	if (!map.valid() || bpf_map_update_elem(map.get(), &zero, content.data(), BPF_ANY) ||
	    bpf_map_freeze(map.get()))
		return -errno;
	*out = std::move(map);
	return 0;
}

int descriptor_of(Role role, const SharedMaps &maps, const Fd &constants)
{
	switch (role) {
	case Role::state:
		return maps.state_fd.get();
	case Role::counters:
		return maps.counters_fd.get();
	case Role::rings:
		return maps.rings_fd.get();
	default:
		return constants.get();
	}
}

} // namespace

int load_instructions(const char *name, const std::vector<bpf_insn> &code, bool is_xdp, Fd *out)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	if (is_xdp) {
		opts.expected_attach_type = BPF_XDP;
		opts.prog_flags = BPF_F_XDP_HAS_FRAGS;
	}
	auto load = [&] {
		int fd = bpf_prog_load(is_xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, name,
				       "Dual BSD/GPL", code.data(), code.size(), &opts);
		return fd < 0 ? -errno : fd;
	};
	const int result = load();
	if (result >= 0)
		*out = Fd(result);
	if (result >= 0 || result == -EPERM)
		return result < 0 ? result : 0;
	// Once more for the log; a log that does not fit must not hide the reason.
	std::vector<char> log(1 << 20);
	opts.log_buf = log.data();
	opts.log_size = static_cast<__u32>(log.size());
	opts.log_level = 1;
	Fd unexpected(load());
	LibbpfLog::add(log.data());
	return result;
}

int load_tap_program(const std::string &program, const SharedMaps &maps, const xs_config &config,
		     Fd *out)
{
	const std::lock_guard<std::mutex> lock(mutex);
	if (!templates.count(program))
		if (int err = make_template(program, maps, config))
			return err;
	const Template &from = templates[program];
	Fd constants; // the program holds it
	if (int err = create_constants(from, config, &constants))
		return err;
	auto code = from.code;
	for (size_t i = 0; i < code.size(); i++)
		if (from.roles[i] != Role::none)
			code[i].imm = descriptor_of(from.roles[i], maps, constants);
	return load_instructions(program.c_str(), code, program == "xspan_xdp", out);
}
