/** Where the copies of a mirror go: what a user writes, as text or as an object. */
import { XspanError } from '../errors.ts';
import { isMulticast, isUnspecified, parseAddress } from './address.ts';

/** SPAN: an interface of this host. */
export interface PortDestination {
	type: 'port';
	/** The interface that copies are sent out of; of another namespace: netns:ids/eth1. */
	interface: string;
}

/** What a path with an MTU wants to know. */
export interface PathOptions {
	/** Bytes of an IP packet (RSPAN: of the payload of an Ethernet frame) that fit. Default: as the route says. */
	mtu?: number;
	/** What happens to a copy that does not fit: cut, and marked where the format can. Default: truncate. */
	oversize?: 'truncate' | 'drop';
}

/** RSPAN: copies leave with the tag of a VLAN that the switches carry to the analyser. */
export interface RspanDestination extends PathOptions {
	type: 'rspan';
	/** The trunk that copies are sent out of. */
	interface: string;
	/** 1 to 4094. */
	vlan: number;
	/** 802.1p priority of the remote tag, 0 to 7. Default: 0. */
	priority?: number;
}

/** What all encapsulations over IP have in common. */
export interface TunnelOptions extends PathOptions {
	/** Default: as the route says. */
	sourceAddress?: string;
	/** TTL or hop limit, 1 to 255. Default: 64. */
	ttl?: number;
	/** Differentiated services code point, 0 to 63. Default: 0. */
	dscp?: number;
}

interface Tunnel extends TunnelOptions {
	/** IPv4 or IPv6 address of the collector. */
	address: string;
}

/** Transparent Ethernet bridging over GRE (RFC 2784, RFC 2890). */
export interface GreDestination extends Tunnel {
	type: 'gre';
	/** 0 to 2^32 - 1. Default: no key field. */
	key?: number;
	/** Number the copies. Default: no sequence field. */
	sequence?: boolean;
}

/** ERSPAN type I: no header, no session. */
export interface ErspanIDestination extends Tunnel {
	type: 'erspan';
	version: 1;
}

/** ERSPAN type II, the default. */
export interface ErspanIIDestination extends Tunnel {
	type: 'erspan';
	version?: 2;
	/** 1 to 1023. */
	session: number;
	/** Port index, 0 to 2^20 - 1. Default: 0. */
	index?: number;
	/** Class of service of frames without a tag, 0 to 7. Default: 0. */
	cos?: number;
	hwid?: never;
	granularity?: never;
}

/** ERSPAN type III: with direction and time. */
export interface ErspanIIIDestination extends Tunnel {
	type: 'erspan';
	version: 3;
	/** 1 to 1023. */
	session: number;
	/** Hardware id of this mirror, 0 to 63. Default: 0. */
	hwid?: number;
	/** Class of service of frames without a tag, 0 to 7. Default: 0. */
	cos?: number;
	/** Unit of the timestamp. 100us wraps after 5 days, 100ns after 7 minutes. Default: 100us. */
	granularity?: '100us' | '100ns';
	index?: never;
}

export type ErspanDestination = ErspanIDestination | ErspanIIDestination | ErspanIIIDestination;

interface UdpTunnel extends Tunnel {
	/** Virtual network identifier, 0 to 2^24 - 1. */
	vni: number;
	/** UDP port of the collector. Default: 4789 (VXLAN), 6081 (GENEVE). */
	port?: number;
	/** Both directions of a flow take the same UDP source port. Default: false. */
	symmetric?: boolean;
}

/** VXLAN (RFC 7348). */
export interface VxlanDestination extends UdpTunnel {
	type: 'vxlan';
}

/** GENEVE (RFC 8926). */
export interface GeneveDestination extends UdpTunnel {
	type: 'geneve';
	/** Options with session, direction, original length and time, see docs/destinations.md. Default: false. */
	meta?: boolean;
	/** Number of the session in these options, 0 to 65535. Default: 0. */
	session?: number;
}

export type TunnelDestination =
	| GreDestination
	| ErspanDestination
	| VxlanDestination
	| GeneveDestination;

export type Destination = PortDestination | RspanDestination | TunnelDestination;

const EXAMPLES =
	'port:ids0, rspan:trunk0?vlan=900, gre://192.0.2.9?key=7, erspan://192.0.2.9?session=10, vxlan://192.0.2.9?vni=42, geneve://[2001:db8::9]?vni=42';

function bad(text: string, why: string, hint = `destinations look like ${EXAMPLES}`): XspanError {
	return new XspanError('usage', 'bad_destination', `destination "${text}": ${why}`, { hint });
}

/** The parameters behind the question mark; each must be known, and is taken once. */
class Parameters {
	private readonly text: string;
	private readonly values: Map<string, string>;
	private readonly known: string[] = [];

	constructor(text: string, query: string) {
		this.text = text;
		const given = [...new URLSearchParams(query)];
		this.values = new Map(given);
		const twice = given.find(([name], i) => given.findIndex(([other]) => other === name) < i);
		if (twice) throw bad(text, `${twice[0]} is given twice`, 'give each parameter once');
	}

	private take(name: string): string | undefined {
		this.known.push(name);
		const value = this.values.get(name);
		this.values.delete(name);
		return value;
	}

	number<Name extends string>(name: Name, min: number, max: number): { [K in Name]?: number } {
		const value = this.take(name);
		if (value === undefined) return {};
		const number = /^(\d+|0x[0-9a-f]+)$/i.test(value) ? Number(value) : Number.NaN;
		if (!(number >= min && number <= max))
			throw bad(
				this.text,
				`${name} "${value}" is not valid`,
				`${name} is a number from ${min} to ${max}`,
			);
		return { [name]: number } as { [K in Name]?: number };
	}

	required<Name extends string>(name: Name, min: number, max: number): { [K in Name]: number } {
		const found = this.number(name, min, max);
		if (found[name] === undefined)
			throw bad(this.text, `${name} is missing`, `add ?${name}=, a number from ${min} to ${max}`);
		return found as { [K in Name]: number };
	}

	choice<Name extends string, const Value extends string>(
		name: Name,
		values: readonly Value[],
	): { [K in Name]?: Value } {
		const value = this.take(name);
		if (value === undefined) return {};
		if (!values.includes(value as Value))
			throw bad(this.text, `${name} "${value}" is not valid`, `${name} is ${values.join(' or ')}`);
		return { [name]: value } as { [K in Name]?: Value };
	}

	flag<Name extends string>(name: string, as: Name): { [K in Name]?: boolean } {
		const value = this.choice(name, ['0', '1'])[name];
		return value === undefined ? {} : ({ [as]: value === '1' } as { [K in Name]?: boolean });
	}

	/** @throws XspanError when something is left over */
	end(): void {
		const [unknown] = this.values.keys();
		if (unknown === undefined) return;
		throw bad(
			this.text,
			`unknown parameter "${unknown}"`,
			this.known.length ? `it has ${this.known.join(', ')}` : 'it has no parameters',
		);
	}
}

const U32 = 2 ** 32 - 1;

type Tail = (address: string, parameters: Parameters) => TunnelDestination;

function erspan(address: string, parameters: Parameters): ErspanDestination {
	const { version } = parameters.choice('version', ['1', '2', '3']);
	if (version === '1') return { type: 'erspan', version: 1, address };
	const common = {
		...parameters.required('session', 1, 1023),
		...parameters.number('cos', 0, 7),
	};
	if (version !== '3')
		return {
			type: 'erspan',
			version: 2,
			address,
			...common,
			...parameters.number('index', 0, 2 ** 20 - 1),
		};
	return {
		type: 'erspan',
		version: 3,
		address,
		...common,
		...parameters.number('hwid', 0, 63),
		...parameters.choice('granularity', ['100us', '100ns'] as const),
	};
}

const udp = (parameters: Parameters) => ({
	...parameters.required('vni', 0, 2 ** 24 - 1),
	...parameters.number('port', 1, 65_535),
	...parameters.flag('symmetric', 'symmetric'),
});

const TUNNELS: Record<string, Tail> = {
	gre: (address, parameters) => ({
		type: 'gre',
		address,
		...parameters.number('key', 0, U32),
		...parameters.flag('seq', 'sequence'),
	}),
	erspan,
	vxlan: (address, parameters) => ({ type: 'vxlan', address, ...udp(parameters) }),
	geneve: (address, parameters) => ({
		type: 'geneve',
		address,
		...udp(parameters),
		...parameters.flag('meta', 'meta'),
		...parameters.number('session', 0, 65_535),
	}),
};

const INTERFACE = /^[^\s/:?]{1,15}$/;

/** Of another namespace: with the name, and no pattern. */
const FOREIGN_INTERFACE = /^(netns|pid|container):[^/]+\/[^\s/:*?]{1,15}$/;

function parsePort(text: string, name: string, query: string | undefined): Destination {
	const isName = INTERFACE.test(name) || FOREIGN_INTERFACE.test(name);
	if (query !== undefined) new Parameters(text, query).end();
	if (!isName)
		throw bad(
			text,
			'an interface is expected',
			'write port: and the name of an interface: port:ids0, or port:netns:ids/eth1',
		);
	return { type: 'port', interface: name };
}

function parseRspan(text: string, name: string, query = ''): Destination {
	const parameters = new Parameters(text, query);
	if (!INTERFACE.test(name))
		throw bad(
			text,
			'an interface is expected',
			'write the trunk and the VLAN: rspan:trunk0?vlan=900',
		);
	const destination: RspanDestination = {
		type: 'rspan',
		interface: name,
		...parameters.required('vlan', 1, 4094),
		...parameters.number('priority', 0, 7),
	};
	parameters.end();
	return destination;
}

function parseTunnel(text: string, type: string, rest: string): Destination {
	const match = /^\/\/(?:\[([^\]]*)\]|([^?/[\]:]+))\/?(?:\?(.*))?$/.exec(rest);
	const port = /^\/\/(?:\[[^\]]*\]|[^?/[\]:]+):(\d+)/.exec(rest)?.[1];
	if (port) throw bad(text, 'a port does not go behind the address', `write ?port=${port}`);
	const tail = TUNNELS[type];
	const address = match?.[1] ?? match?.[2];
	if (!tail || !match || address === undefined)
		throw bad(
			text,
			'an address is expected',
			`write ${type}://192.0.2.9 or ${type}://[2001:db8::9]`,
		);
	checkCollector(address, text);
	const parameters = new Parameters(text, match[3] ?? '');
	const destination = tail(address, parameters);
	parameters.end();
	return destination;
}

/** @throws XspanError unless it is an address that a single other host can have */
export function checkCollector(address: string, text = address): void {
	const bytes = parseAddress(address);
	if (!bytes)
		throw bad(
			text,
			`"${address}" is not an IP address`,
			'the collector is named by its address: 192.0.2.9 or [2001:db8::9]',
		);
	if (isMulticast(bytes) || isUnspecified(bytes))
		throw bad(text, `"${address}" is not the address of one host`, 'name a unicast address');
}

/**
 * A destination as text: TYPE:INTERFACE or TYPE://ADDRESS, with ?NAME=VALUE&... behind.
 * @throws XspanError bad_destination
 */
export function parseDestination(text: string): Destination {
	const match = /^([a-z]+):(.*)$/s.exec(text);
	if (!match) throw bad(text, 'not understood');
	const [, type = '', rest = ''] = match;
	const mark = rest.indexOf('?');
	const name = mark < 0 ? rest : rest.slice(0, mark);
	const query = mark < 0 ? undefined : rest.slice(mark + 1);
	if (type === 'port') return parsePort(text, name, query);
	if (type === 'rspan') return parseRspan(text, name, query);
	if (Object.hasOwn(TUNNELS, type)) return parseTunnel(text, type, rest);
	throw bad(text, `unknown type "${type}"`);
}

export const isTunnel = (destination: Destination): destination is TunnelDestination =>
	destination.type !== 'port' && destination.type !== 'rspan';

const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** Options that the command line gives beside the destination's text; undefined: not given. */
export type GivenTunnelOptions = { [K in keyof TunnelOptions]: TunnelOptions[K] | undefined };

/**
 * A destination with the options that its kind has.
 * @throws XspanError option_not_for_destination
 */
export function withTunnelOptions(
	destination: Destination,
	given: GivenTunnelOptions,
): Destination {
	const options = Object.entries(given).filter(([, value]) => value !== undefined);
	const allowed: readonly string[] = isTunnel(destination)
		? ['mtu', 'oversize', 'sourceAddress', 'ttl', 'dscp']
		: destination.type === 'rspan'
			? ['mtu', 'oversize']
			: [];
	const wrong = options.find(([name]) => !allowed.includes(name));
	if (wrong)
		throw new XspanError(
			'usage',
			'option_not_for_destination',
			`--${dashed(wrong[0])} is not for a destination of type ${destination.type}`,
			{
				hint: allowed.length
					? `it takes ${allowed.map((name) => `--${dashed(name)}`).join(', ')}`
					: 'leave the option out',
			},
		);
	return { ...destination, ...Object.fromEntries(options) };
}
