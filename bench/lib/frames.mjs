/** The frames of the load. */

const DESTINATION = '02000000000b';
const SOURCE = '02000000000a';

/** IPv4/UDP from 10.9.0.1 to 10.9.0.2, of that length without FCS; 64 B on a wire are 60 here. */
export function udpFrame(/** @type {number} */ length) {
	const frame = Buffer.alloc(length, 0x5a);
	frame.write(`${DESTINATION}${SOURCE}0800`, 'hex');
	frame.write('450000000001400040110000' + '0a090001' + '0a090002', 14, 'hex');
	frame.writeUInt16BE(length - 14, 16);
	frame.writeUInt16BE(checksum(frame.subarray(14, 34)), 24);
	frame.write('9c400009', 34, 'hex');
	frame.writeUInt16BE(length - 34, 38);
	frame.writeUInt16BE(0, 40); // no UDP checksum
	return frame;
}

function checksum(/** @type {Buffer} */ header) {
	let sum = 0;
	for (let i = 0; i < header.length; i += 2) sum += header.readUInt16BE(i);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}
