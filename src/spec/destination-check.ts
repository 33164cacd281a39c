/** Destinations as programs write them, which no parser has seen: each field is checked. */
import { XspanError } from '../errors.ts';
import { parseAddress } from './address.ts';
import {
	checkCollector,
	type Destination,
	isTunnel,
	type TunnelDestination,
} from './destination.ts';

const U32 = 2 ** 32 - 1;

/** Least MTUs: RFC 791 and RFC 8200 want 576 and 1280 bytes to get through. */
const MTU = { min: 576, max: 65_535 };

function checkTunnel(destination: TunnelDestination): void {
	checkCollector(destination.address);
	const { sourceAddress: source } = destination;
	if (source === undefined) return;
	const bytes = parseAddress(source);
	if (bytes?.length !== parseAddress(destination.address)?.length)
		throw new XspanError(
			'usage',
			'bad_source_address',
			`"${source}" is not a source address for ${destination.address}`,
			{ hint: 'name an address of the same family, IPv4 or IPv6' },
		);
}

type Check = (value: unknown) => boolean;

interface Field {
	holds: Check;
	expected: string;
	required?: true;
}

const range = (min: number, max: number): Field => ({
	holds: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
	expected: `a whole number from ${min} to ${max}`,
});
const oneOf = (...values: unknown[]): Field => ({
	holds: (value) => values.includes(value),
	expected: values.join(' or '),
});
const flag: Field = { holds: (value) => typeof value === 'boolean', expected: 'true or false' };
const text: Field = { holds: (value) => typeof value === 'string', expected: 'text' };
const required = (field: Field): Field => ({ ...field, required: true });

const PATH = { mtu: range(MTU.min, MTU.max), oversize: oneOf('truncate', 'drop') };
const TUNNEL = {
	...PATH,
	address: required(text),
	sourceAddress: text,
	ttl: range(1, 255),
	dscp: range(0, 63),
};
const UDP = {
	...TUNNEL,
	vni: required(range(0, 2 ** 24 - 1)),
	port: range(1, 65_535),
	symmetric: flag,
};
const ERSPAN = { ...TUNNEL, session: required(range(1, 1023)), cos: range(0, 7) };

/** What objects of programs may have, which no parser has seen; ERSPAN by its version. */
const FIELDS: Record<string, Record<string, Field>> = {
	port: { interface: required(text) },
	rspan: {
		...PATH,
		interface: required(text),
		vlan: required(range(1, 4094)),
		priority: range(0, 7),
	},
	gre: { ...TUNNEL, key: range(0, U32), sequence: flag },
	'erspan 1': { ...TUNNEL, version: oneOf(1) },
	'erspan 2': { ...ERSPAN, version: oneOf(2), index: range(0, 2 ** 20 - 1) },
	'erspan 3': {
		...ERSPAN,
		version: oneOf(3),
		hwid: range(0, 63),
		granularity: oneOf('100us', '100ns'),
	},
	vxlan: UDP,
	geneve: { ...UDP, meta: flag, session: range(0, 65_535) },
};

function fieldsOf(destination: Record<string, unknown>): Record<string, Field> {
	const { type, version = 2 } = destination;
	const key = type === 'erspan' ? `erspan ${String(version)}` : String(type);
	if (Object.hasOwn(FIELDS, key)) return FIELDS[key] as Record<string, Field>;
	if (type === 'erspan')
		throw badField(`version ${String(version)} is out of range`, 'version is 1, 2 or 3');
	throw new XspanError('usage', 'bad_destination', `there is no destination "${key}"`, {
		hint: `destinations are ${Object.keys(FIELDS).join(', ')}`,
	});
}

function badField(message: string, hint: string): XspanError {
	return new XspanError('usage', 'bad_value', message, { hint });
}

function checkFields(destination: Record<string, unknown>): void {
	const fields = fieldsOf(destination);
	const kind = String(destination['type']);
	for (const [name, value] of Object.entries(destination)) {
		if (name === 'type' || value === undefined) continue;
		const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
		if (!field)
			throw badField(
				`a destination ${kind} has no ${name}`,
				`it has ${Object.keys(fields).join(', ')}`,
			);
		if (!field.holds(value))
			throw badField(`${name} ${String(value)} is out of range`, `${name} is ${field.expected}`);
	}
	for (const [name, field] of Object.entries(fields))
		if (field.required && destination[name] === undefined)
			throw badField(`a destination ${kind} needs ${name}`, `${name} is ${field.expected}`);
	if (kind === 'geneve' && destination['session'] !== undefined && destination['meta'] !== true)
		throw badField('session is in the options of meta, which is off', 'add meta=1');
}

/** @throws XspanError bad_value, bad_destination, bad_source_address */
export function checkDestination(destination: Destination): void {
	checkFields(destination as unknown as Record<string, unknown>);
	if (isTunnel(destination)) checkTunnel(destination);
}
