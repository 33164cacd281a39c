// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The addon's table of contents. Typed for TypeScript in src/native.ts.
#include <napi.h>

#include "abi.h"
#include "drain_object.h"
#include "error.h"
#include "forwarding.h"
#include "link_monitor.h"
#include "links.h"
#include "maps.h"
#include "mirror_port.h"
#include "netns.h"
#include "pcap_filter.h"
#include "probe.h"
#include "programs.h"
#include "route_table.h"
#include "routing.h"
#include "slab.h"
#include "tap.h"
#include "veth.h"

namespace
{

Napi::Object slab_layout(Napi::Env env)
{
	auto layout = Napi::Object::New(env);
	auto set = [&](const char *name, size_t value) {
		layout.Set(name, Napi::Number::New(env, static_cast<double>(value)));
	};
	set("dataBytes", SlabLayout::data_bytes);
	set("maxRecords", SlabLayout::max_records);
	set("offsetsAt", SlabLayout::offsets_at);
	set("countsAt", SlabLayout::counts_at);
	return layout;
}

Napi::Object init(Napi::Env env, Napi::Object exports)
{
	LibbpfLog::install();
	auto function = [&](const char *name, Napi::Value (*f)(const Napi::CallbackInfo &)) {
		exports.Set(name, Napi::Function::New(env, f, name));
	};
	exports.Set("abiVersion", Napi::Number::New(env, XS_ABI_VERSION));
	exports.Set("slabLayout", slab_layout(env));
	exports.Set("Maps", Maps::define(env));
	exports.Set("Tap", Tap::define(env));
	exports.Set("Drain", DrainObject::define(env));
	exports.Set("MirrorPort", MirrorPort::define(env));
	exports.Set("LinkMonitor", LinkMonitor::define(env));
	exports.Set("Netns", Netns::define(env));
	exports.Set("RouteTable", RouteTable::define(env));
	function("compileFilter", compile_filter);
	function("links", links);
	function("ethtool", ethtool);
	function("program", program);
	function("tcxPrograms", tcx_programs);
	function("clsactFilters", clsact_filters);
	function("clsactCreate", clsact_create);
	function("clsactDetach", clsact_detach);
	function("clsactDestroyIfEmpty", clsact_destroy_if_empty);
	function("probeLoad", probe_load);
	function("probeTcx", probe_tcx);
	function("createVeth", create_veth);
	function("deleteLink", delete_link);
	function("linkDrops", link_drops);
	function("route", route);
	function("forwardingTable", forwarding_table);
	function("bridgeVlans", bridge_vlans);
	function("useNeighbour", use_neighbour);
	function("neighbourState", neighbour_state);
	function("netns", netns);
	function("pipeIsClosed", pipe_is_closed);
	return exports;
}

} // namespace

NODE_API_MODULE(xspan, init)
