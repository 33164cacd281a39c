/** Which interfaces an expression names, wherever they are. Where to tap them is resolve.ts's. */
import { XspanError } from '../errors.ts';
import { type Container, describeContainer } from './containers.ts';
import { type Device, isSame } from './device.ts';
import { isPattern, matcherOf, type SourceExpression } from './expression.ts';
import { nearestNames } from './links.ts';
import { isInitial, type Namespace, type Topology } from './topology.ts';

/** What selecting needs of the host besides its topology. Tests make their own. */
export interface ProcessTable {
	/** Inode of a process's network namespace. @throws XspanError no_such_process, netns_denied */
	netnsOf(pid: number): number;
	/** Names of the TUN and TAP interfaces that a process has open. */
	tunsOf(pid: number): string[];
	containers(): Container[];
}

const MOST_NAMED = 8;

function enumerate(names: readonly string[]): string {
	const shown = names.slice(0, MOST_NAMED).join(', ');
	return names.length > MOST_NAMED ? `${shown}, ... (${names.length} in all)` : shown;
}

function notFound(code: string, message: string, hint: string): XspanError {
	return new XspanError('notFound', code, message, { hint });
}

export function describeNamespace(namespace: Namespace): string {
	const { own, names, pids, command, inode } = namespace;
	if (own) return 'this namespace';
	if (names[0]) return `netns ${names[0]}`;
	if (isInitial(namespace)) return 'the initial namespace';
	if (pids[0] !== undefined) return `the namespace of ${command ?? 'process'} (pid ${pids[0]})`;
	return `namespace ${inode}`;
}

function readable(inode: number, topology: Topology, what: string): Namespace {
	const namespace = topology.namespace(inode);
	if (!namespace)
		throw notFound('netns_gone', `${what}: its network namespace is gone`, 'look for it again');
	if (namespace.unreadable)
		throw new XspanError(
			'permission',
			'netns_denied',
			`${what}: its network namespace may not be looked into`,
			{ hint: 'run as root, or with cap_sys_admin and cap_sys_ptrace' },
		);
	return namespace;
}

/** Those with a name, or all but loopback. */
function interfacesIn(
	namespace: Namespace,
	pattern: string | null,
	topology: Topology,
	text: string,
): Device[] {
	const all = topology.devicesIn(namespace.inode);
	const matches = pattern === null ? null : matcherOf(pattern);
	const found = all.filter((device) =>
		matches ? matches(device.name) : device.kind !== 'loopback',
	);
	if (found.length) return [...found];
	const where = describeNamespace(namespace);
	if (pattern === null || isPattern(pattern))
		throw notFound(
			'no_match',
			`"${text}" matches no interface in ${where}`,
			`the interfaces there are ${enumerate(all.map((device) => device.name))}`,
		);
	const near = nearestNames(pattern, all);
	throw notFound(
		'unknown_interface',
		`there is no interface "${pattern}" in ${where.replace(/^this /, 'this network ')}`,
		near.length
			? `did you mean ${near.join(' or ')}?`
			: `the interfaces there are ${enumerate(all.map((device) => device.name))}`,
	);
}

/**
 * All of a pod have its name, and share its namespace.
 * @throws XspanError: there is none, or they are in several namespaces
 */
export function containersNamed(wanted: string, containers: readonly Container[]): Container[] {
	if (containers.length === 0)
		throw notFound(
			'no_container_runtime',
			`there is no container "${wanted}": no process of this host is in a container`,
			'if it runs in another machine or PID namespace, run xspan there',
		);
	const exact = containers.filter((each) => each.id === wanted || each.names.includes(wanted));
	const found = exact.length
		? exact
		: containers.filter(
				(each) => each.id.startsWith(wanted) || each.names.some((name) => name.startsWith(wanted)),
			);
	const [first] = found;
	if (!first)
		throw notFound(
			'unknown_container',
			`there is no running container "${wanted}"`,
			`running: ${enumerate(containers.map(describeContainer))}`,
		);
	if (found.some((each) => each.netns !== first.netns))
		throw new XspanError(
			'conflict',
			'ambiguous_source',
			`container "${wanted}" could be ${enumerate(found.map(describeContainer))}`,
			{ hint: 'write more of the name or id' },
		);
	return found;
}

function inContainer(
	{ container, pattern }: { container: string; pattern: string | null },
	topology: Topology,
	table: ProcessTable,
	text: string,
): Device[] {
	const [found] = containersNamed(container, table.containers()) as [Container];
	if (found.netns === topology.own)
		throw new XspanError(
			'conflict',
			'shares_host_network',
			`container ${describeContainer(found)} uses the network of the host: no interface is its own`,
			{ hint: 'name an interface of the host, and filter for its ports' },
		);
	const namespace = readable(found.netns, topology, `container ${describeContainer(found)}`);
	return interfacesIn(namespace, pattern, topology, text);
}

function ofProcess(
	{ pid, pattern }: { pid: number; pattern: string | null },
	topology: Topology,
	table: ProcessTable,
	text: string,
): Device[] {
	const netns = table.netnsOf(pid);
	const namespace = readable(netns, topology, `process ${pid}`);
	// A virtual machine's process is in the host's namespace; its interfaces are the TAPs it holds.
	const tuns = pattern === null ? table.tunsOf(pid) : [];
	const held = topology.devicesIn(netns).filter((device) => tuns.includes(device.name));
	if (held.length) return held;
	if (netns === topology.own && pattern === null)
		throw new XspanError(
			'conflict',
			'shares_host_network',
			`process ${pid} uses the network of this namespace, and holds no TAP: no interface is its own`,
			{ hint: `write pid:${pid}/eth0, or just eth0` },
		);
	return interfacesIn(namespace, pattern, topology, text);
}

function inNamed(
	{ name, pattern }: { name: string; pattern: string | null },
	topology: Topology,
	text: string,
): Device[] {
	const namespace = topology.namespaces.find((each) => each.names.includes(name));
	if (namespace)
		return interfacesIn(
			readable(namespace.inode, topology, `namespace ${name}`),
			pattern,
			topology,
			text,
		);
	const names = topology.namespaces.flatMap((each) => each.names);
	const near = nearestNames(
		name,
		names.map((each) => ({ name: each })),
	);
	throw notFound(
		'unknown_netns',
		`there is no network namespace named "${name}"`,
		near.length
			? `did you mean ${near.join(' or ')}?`
			: names.length
				? `named are ${enumerate(names)}; one without a name is reached with pid:`
				: 'no namespace has a name here; one without a name is reached with pid:',
	);
}

/** A bridge, bond or VLAN often has the address of what is below it: then that is meant. */
function lowest(devices: readonly Device[]): Device[] {
	return devices.filter(
		(device) =>
			!devices.some((other) => isSame(other.master, device) || isSame(device.parent, other)),
	);
}

export function describeDevice(device: Device, topology: Topology): string {
	const namespace = topology.namespace(device.netns);
	return namespace && !namespace.own
		? `${device.name} in ${describeNamespace(namespace)}`
		: device.name;
}

function exactlyOne(found: Device[], text: string, topology: Topology, hint: string): Device[] {
	if (found.length === 0)
		throw notFound('no_match', `no interface of this host has the address of "${text}"`, hint);
	if (found.length > 1)
		throw new XspanError(
			'conflict',
			'ambiguous_source',
			`"${text}" is the address of several interfaces: ${enumerate(found.map((each) => describeDevice(each, topology)))}`,
			{ hint: 'name the one that is meant: netns:NAME/INTERFACE or pid:PID/INTERFACE' },
		);
	return found;
}

/** libvirt gives the TAP of a guest the guest's address, but with fe in front. */
export function devicesWithMac(mac: string, topology: Topology): Device[] {
	const own = topology.devices.filter((device) => device.address === mac);
	if (own.length) return own;
	const ofTap = mac.replace(/^../, 'fe');
	return topology.devices.filter((device) => device.kind === 'tap' && device.address === ofTap);
}

export const devicesWithIp = (address: string, topology: Topology): Device[] =>
	topology.devices.filter((device) => device.addresses.some((each) => each.address === address));

const BRIDGES = new Set(['bridge', 'openvswitch']);

function portsOf(name: string, topology: Topology): Device[] {
	const here = topology.devicesIn(topology.own);
	const bridge = here.find((device) => device.name === name);
	const bridges = here.filter((device) => BRIDGES.has(device.kind)).map((each) => each.name);
	const others = bridges.length ? `the bridges here are ${enumerate(bridges)}` : 'there is none';
	if (!bridge)
		throw notFound('unknown_interface', `there is no bridge "${name}" in this namespace`, others);
	if (!BRIDGES.has(bridge.kind))
		throw new XspanError('conflict', 'not_a_bridge', `${name} is not a bridge: ${bridge.kind}`, {
			hint: others,
		});
	if (bridge.ports.length === 0)
		throw notFound(
			'no_match',
			`the bridge ${name} has no ports`,
			`ip link set PORT master ${name}`,
		);
	return bridge.ports.flatMap((port) => topology.device(port) ?? []);
}

/** @throws XspanError: it names nothing, or more than one thing */
export function selectDevices(
	expression: SourceExpression,
	topology: Topology,
	table: ProcessTable,
	text: string,
): Device[] {
	switch (expression.type) {
		case 'interface': {
			const own = readable(topology.own, topology, 'this process');
			return interfacesIn(own, expression.pattern, topology, text);
		}
		case 'container':
			return inContainer(expression, topology, table, text);
		case 'pid':
			return ofProcess(expression, topology, table, text);
		case 'netns':
			return inNamed(expression, topology, text);
		case 'bridge':
			return portsOf(expression.name, topology);
		case 'mac': {
			const found = lowest(devicesWithMac(expression.address, topology));
			return exactlyOne(found, text, topology, 'xspan topology shows the addresses of all');
		}
		case 'ip': {
			const found = devicesWithIp(expression.address, topology);
			return exactlyOne(found, text, topology, 'xspan topology shows the addresses of all');
		}
	}
}
