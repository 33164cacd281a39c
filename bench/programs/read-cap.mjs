// read-cap.mjs DIRECTORY BUFFER_BYTES: the same as read-xspan.mjs with the npm package cap, which
// reads two fields, too: length and whether it was cut. It has no time stamps to offer.
// {do: 'hold', ms}: forgets what was read so far; its event loop then stands still that long, so that
// frames pile up.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [directory, bufferBytes] = process.argv.slice(2);
const { Cap } = createRequire(join(directory, 'package.json'))('cap');
const QUIET_MS = 200;

const total = { records: 0, bytes: 0, cut: 0, ms: 0 };
let start = 0;
let lastSeen = 0;

function onPacket(/** @type {number} */ length, /** @type {boolean} */ cut) {
	if (total.records === 0) start = performance.now();
	total.bytes += length;
	if (cut) total.cut++;
	// The clock is not part of the work: every 64th frame is exact enough.
	if ((++total.records & 63) === 0) total.ms = performance.now() - start;
}

const frame = Buffer.alloc(65535); // cap does not keep it alive: whoever opens must
const device = new Cap();
device.on('packet', onPacket);
device.open('mon0', '', Number(bufferBytes), frame);

/** The load has ended: all is read when nothing came for a while. */
function readAll() {
	if (total.records !== lastSeen) {
		lastSeen = total.records;
		setTimeout(readAll, QUIET_MS);
		return;
	}
	process.send?.({ ...total, room: frame.length });
	device.close();
	process.disconnect?.();
}

function hold(/** @type {number} */ ms) {
	Object.assign(total, { records: 0, bytes: 0, cut: 0, ms: 0 });
	process.send?.({ holding: true });
	setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms), 20);
}

process.on('message', (/** @type {{do: 'hold' | 'all', ms: number}} */ order) => {
	if (order.do === 'hold') hold(order.ms);
	else setTimeout(readAll, QUIET_MS);
});
process.send?.({ ready: true });
