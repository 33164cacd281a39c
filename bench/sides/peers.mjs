/** The real peers: tcpdump and dumpcap. */
import { numberIn, peer } from './capturer.mjs';

// -Z root: Debian's tcpdump otherwise gives what it writes to, /dev/null, to a user of its own.
export const tcpdump = (/** @type {string[]} */ ...args) =>
	peer(
		['tcpdump', '-i', 'mon0', '-n', '-w', '/dev/null', '-Q', 'in', '-Z', 'root', ...args],
		/listening on/,
		(text) => ({
			captured: numberIn(text, /(\d+) packets? captured/),
			lost: numberIn(text, /(\d+) packets? dropped by kernel/),
		}),
	);

export const dumpcap = (/** @type {string[]} */ ...args) =>
	peer(['dumpcap', '-i', 'mon0', '-q', '-w', '/dev/null', ...args], /File: /, (text) => ({
		captured: numberIn(text, /Packets captured: (\d+)/),
		lost: numberIn(text, /Packets received\/dropped on interface 'mon0': \d+\/(\d+)/),
	}));
