// transfer.mjs serve PORT | send ADDRESS PORT BYTES: one TCP connection with the same bytes in each
// direction, which both ends check. The server speaks second.
import { createCipheriv, createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

const [mode, ...args] = process.argv.slice(2);

/** Bytes that do not repeat, the same in every process: a key stream. */
const content = (bytes, key) =>
	createCipheriv('aes-128-ctr', Buffer.alloc(16, key), Buffer.alloc(16)).update(
		Buffer.alloc(bytes),
	);

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Until the other end has said all. Not `for await`: that would close this end, too. */
function receive(socket) {
	const chunks = [];
	socket.on('data', (chunk) => chunks.push(chunk));
	return new Promise((resolve, reject) => {
		socket.on('error', reject).on('end', () => resolve(Buffer.concat(chunks)));
	});
}

function report(sent, received) {
	console.log(JSON.stringify({ sent: digest(sent), received: digest(received) }));
}

if (mode === 'serve') {
	const server = createServer({ allowHalfOpen: true }, async (socket) => {
		const received = await receive(socket);
		const sent = content(received.length, 'b');
		socket.end(sent, () => {
			report(sent, received);
			server.close();
		});
	});
	server.listen(Number(args[0]), () => console.log('listening'));
} else {
	const sent = content(Number(args[2]), 'a');
	const socket = connect({ host: args[0], port: Number(args[1]), allowHalfOpen: true });
	socket.end(sent);
	report(sent, await receive(socket));
}
