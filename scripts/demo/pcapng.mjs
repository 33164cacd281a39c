/** A small pcapng reader that shares no code with the product: enough to check and print the demo's file. */

const EPB = 6;
const IDB = 1;
const ISB = 5;

function* options(body, at) {
	while (at + 4 <= body.length) {
		const code = body.readUInt16LE(at);
		const length = body.readUInt16LE(at + 2);
		if (code === 0) return;
		yield [code, body.subarray(at + 4, at + 4 + length)];
		at += 4 + Math.ceil(length / 4) * 4;
	}
}

function packetOf(body) {
	const captured = body.readUInt32LE(12);
	const found = new Map(options(body, 20 + Math.ceil(captured / 4) * 4));
	const flags = found.get(2)?.readUInt32LE() ?? 0;
	return {
		interfaceId: body.readUInt32LE(0),
		timeNs: (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
		bytes: body.subarray(20, 20 + captured),
		length: body.readUInt32LE(16),
		direction: ['?', 'in', 'out', '?'][flags & 3],
		isSuperFrame: (flags & (1 << 11)) !== 0,
	};
}

/** {interfaces, packets, statistics}; throws when the blocks do not fit together. */
export function readPcapng(file) {
	const found = { interfaces: [], packets: [], statistics: [] };
	for (let at = 0; at < file.length; ) {
		const type = file.readUInt32LE(at);
		const length = file.readUInt32LE(at + 4);
		if (length < 12 || length % 4 || at + length > file.length)
			throw new Error(`the block at byte ${at} has length ${length}`);
		if (file.readUInt32LE(at + length - 4) !== length)
			throw new Error(`the two lengths of the block at byte ${at} differ`);
		const body = file.subarray(at + 8, at + length - 4);
		if (type === EPB) found.packets.push(packetOf(body));
		if (type === IDB)
			found.interfaces.push(String(new Map(options(body, 8)).get(2) ?? found.interfaces.length));
		if (type === ISB) {
			const values = new Map(options(body, 12));
			const value = (code) => Number(values.get(code)?.readBigUInt64LE() ?? 0n);
			found.statistics.push({ received: value(4), dropped: value(7), delivered: value(8) });
		}
		at += length;
	}
	return found;
}

const address = (bytes, at) => bytes.subarray(at, at + 4).join('.');
const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];

function describeIpv4(bytes) {
	const [from, to] = [address(bytes, 26), address(bytes, 30)];
	const at = 14 + (bytes[14] & 15) * 4;
	const ports = `${bytes.readUInt16BE(at)} -> ${bytes.readUInt16BE(at + 2)}`;
	if (bytes[23] === 17)
		return `${from} -> ${to}  UDP  ${ports}  Len=${bytes.readUInt16BE(at + 4) - 8}`;
	if (bytes[23] !== 6) return `${from} -> ${to}  IPv4 protocol ${bytes[23]}`;
	const flags = TCP_FLAGS.filter((_, bit) => bytes[at + 13] & (1 << bit)).join(', ');
	const payload = bytes.readUInt16BE(16) - (at - 14) - (bytes[at + 12] >> 4) * 4;
	return `${from} -> ${to}  TCP  ${ports} [${flags}]  Len=${payload}`;
}

/** One frame in one line. */
export function describe(bytes) {
	const type = bytes.readUInt16BE(12);
	if (type === 0x0800 && bytes.length >= 42) return describeIpv4(bytes);
	if (type !== 0x0806) return `Ethernet type 0x${type.toString(16).padStart(4, '0')}`;
	const [sender, target] = [address(bytes, 28), address(bytes, 38)];
	return bytes.readUInt16BE(20) === 1
		? `ARP  Who has ${target}? Tell ${sender}`
		: `ARP  ${sender} is at ${bytes.subarray(22, 28).toString('hex').replace(/..\B/g, '$&:')}`;
}
