/**
 * The two programs that talk to each other in the demo, each run in its own namespace:
 *   node traffic.mjs server ADDRESS
 *   node traffic.mjs client ADDRESS   prints what it transferred, as JSON
 * ARP comes by itself: the client does not know the server's MAC address yet.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const TCP_PORT = 8080;
const UDP_PORT = 5300;
const DOWNLOAD_BYTES = 8 * 2 ** 20;
const DATAGRAMS = 200;
const DATAGRAM_PAUSE_MS = 2;

async function serve(address) {
	const file = Buffer.alloc(DOWNLOAD_BYTES, 'every frame is accounted for. ');
	const digest = createHash('sha256').update(file).digest('hex');
	createServer((_, response) => {
		response.writeHead(200, { 'content-length': file.length, 'x-sha256': digest }).end(file);
	}).listen(TCP_PORT, address);
	const echo = createSocket('udp4');
	echo.on('message', (text, from) => echo.send(text, from.port, from.address));
	echo.bind(UDP_PORT, address, () => console.log('ready'));
}

async function download(address) {
	const response = await fetch(`http://${address}:${TCP_PORT}/file`);
	const hash = createHash('sha256');
	let bytes = 0;
	for await (const chunk of response.body) {
		hash.update(chunk);
		bytes += chunk.length;
	}
	return { bytes, intact: hash.digest('hex') === response.headers.get('x-sha256') };
}

async function exchange(address) {
	const socket = createSocket('udp4');
	let answers = 0;
	socket.on('message', () => {
		answers++;
	});
	for (let i = 0; i < DATAGRAMS; i++) {
		socket.send(`datagram ${i}`, UDP_PORT, address);
		await sleep(DATAGRAM_PAUSE_MS);
	}
	await Promise.race([sleep(200), once(socket, 'close')]);
	socket.close();
	return { sent: DATAGRAMS, answers };
}

const [role, address] = process.argv.slice(2);
if (role === 'server') await serve(address);
else {
	const tcp = await download(address);
	const udp = await exchange(address);
	console.log(JSON.stringify({ tcp, udp }));
	process.exit(0); // fetch keeps its connection open for a while
}
