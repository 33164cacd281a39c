/** A source as a user writes it: eth0, 'veth*', container:web, pid:4242/eth0, netns:blue, ... */
import { XspanError } from '../errors.ts';
import { formatAddress, parseAddress } from '../spec/address.ts';

export type SourceExpression =
	| { type: 'interface'; pattern: string }
	| { type: 'container'; container: string; pattern: string | null }
	| { type: 'pid'; pid: number; pattern: string | null }
	| { type: 'netns'; name: string; pattern: string | null }
	| { type: 'bridge'; name: string }
	| { type: 'mac'; address: string }
	| { type: 'ip'; address: string };

const FORMS =
	"eth0, 'veth*', container:NAME, pid:4242/eth0, netns:NAME/eth0, bridge:br0, mac:02:42:ac:11:00:02 or ip:10.88.1.2";

function bad(text: string, why: string): XspanError {
	return new XspanError('usage', 'bad_source', `source "${text}": ${why}`, {
		hint: `write ${FORMS}`,
	});
}

/** One spelling for each address, the kernel's. */
export function canonicalIp(text: string): string | null {
	const bytes = parseAddress(text.replace(/%.*$/, ''));
	return bytes && formatAddress(bytes);
}

export function canonicalMac(text: string): string | null {
	const mac = text.toLowerCase().replaceAll('-', ':');
	return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) ? mac : null;
}

/** "web/eth0" -> web, eth0; without an interface: all of them. */
function split(rest: string): { what: string; pattern: string | null } {
	const slash = rest.indexOf('/');
	if (slash < 0) return { what: rest, pattern: null };
	return { what: rest.slice(0, slash), pattern: rest.slice(slash + 1) };
}

function inNamespace(text: string, prefix: string, rest: string): SourceExpression {
	const { what, pattern } = split(rest);
	if (what === '' || pattern === '') throw bad(text, 'a name is missing');
	if (prefix === 'container') return { type: 'container', container: what, pattern };
	if (prefix === 'netns') return { type: 'netns', name: what, pattern };
	if (!/^[1-9]\d{0,9}$/.test(what)) throw bad(text, `"${what}" is not a process id`);
	return { type: 'pid', pid: Number(what), pattern };
}

/** @throws XspanError bad_source */
export function parseSource(text: string): SourceExpression {
	const colon = text.indexOf(':');
	const prefix = text.slice(0, Math.max(colon, 0));
	const rest = text.slice(colon + 1);
	switch (prefix) {
		case '': {
			if (text === '' || /[/\s:]/.test(text)) throw bad(text, 'this is no name of an interface');
			return { type: 'interface', pattern: text };
		}
		case 'container':
		case 'pid':
		case 'netns':
			return inNamespace(text, prefix, rest);
		case 'bridge':
			if (rest === '') throw bad(text, 'a name is missing');
			return { type: 'bridge', name: rest };
		case 'mac': {
			const address = canonicalMac(rest);
			if (address === null) throw bad(text, `"${rest}" is not a MAC address`);
			return { type: 'mac', address };
		}
		case 'ip': {
			const address = canonicalIp(rest);
			if (address === null) throw bad(text, `"${rest}" is not an IP address`);
			return { type: 'ip', address };
		}
		default:
			throw bad(text, `"${prefix}" is not something to look for`);
	}
}

export const isPattern = (text: string): boolean => /[*?]/.test(text);

/** Shell wildcards: * and ?. */
export function matcherOf(pattern: string): (name: string) => boolean {
	const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
	const regex = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
	return (name) => regex.test(name);
}
