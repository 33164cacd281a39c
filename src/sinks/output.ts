/** Where bytes go: a file, or standard output when it is a pipe. Every write is complete or throws. */
import { fstatSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { hasCode, isSystemError, XspanError } from '../errors.ts';
import { native } from '../native.ts';

export interface Output {
	/** Writes all bytes, or none of them where that is possible, and throws. */
	write(bytes: Uint8Array): Promise<void>;
	close(): Promise<void>;
	/** A pipe whose reader has gone, seen without writing to it. */
	isClosed(): boolean;
	/** Stops waiting for a reader that does not read. */
	giveUp(): void;
}

export function outputError(path: string, cause: unknown): XspanError {
	if (hasCode(cause, 'EEXIST'))
		return new XspanError('conflict', 'file_exists', `${path} exists already`, {
			cause,
			hint: 'choose another name, or overwrite it with --force',
		});
	if (hasCode(cause, 'ENOENT', 'ENOTDIR', 'EISDIR'))
		return new XspanError(
			'notFound',
			'no_such_directory',
			`cannot create ${path}: ${message(cause)}`,
			{
				cause,
				hint: 'give a path in a directory that exists',
			},
		);
	return new XspanError('output', 'write_failed', `cannot write ${path}: ${message(cause)}`, {
		cause,
	});
}

const message = (cause: unknown): string =>
	isSystemError(cause) ? cause.message.replace(/^\w+: ([^,]*),.*$/, '$1') : String(cause);

/** A regular file, written at positions so that a failed write can be taken back. */
class FileOutput implements Output {
	private readonly file: FileHandle;
	private length: number;

	constructor(file: FileHandle, length = 0) {
		this.file = file;
		this.length = length;
	}

	async write(bytes: Uint8Array): Promise<void> {
		try {
			for (let done = 0; done < bytes.length; ) {
				const left = bytes.length - done;
				done += (await this.file.write(bytes, done, left, this.length + done)).bytesWritten;
			}
			this.length += bytes.length;
		} catch (error) {
			await this.file.truncate(this.length); // half a block would make the file unreadable
			throw error;
		}
	}

	async close(): Promise<void> {
		await this.file.close();
	}

	isClosed(): boolean {
		return false;
	}

	giveUp(): void {}
}

/** A device or a named pipe: what is written is gone. */
class StreamOutput implements Output {
	private readonly file: FileHandle;

	constructor(file: FileHandle) {
		this.file = file;
	}

	async write(bytes: Uint8Array): Promise<void> {
		for (let done = 0; done < bytes.length; )
			done += (await this.file.write(bytes, done, bytes.length - done)).bytesWritten;
	}

	async close(): Promise<void> {
		await this.file.close();
	}

	isClosed(): boolean {
		return native.pipeIsClosed(this.file.fd);
	}

	giveUp(): void {}
}

const closedPipe = () => Object.assign(new Error('the pipe was closed'), { code: 'EPIPE' });

class PipeOutput implements Output {
	private readonly socket: Socket;
	private readonly fd: number;
	private gaveUp = false;

	constructor(fd: number) {
		this.fd = fd;
		this.socket = new Socket({ fd, readable: false, writable: true });
		this.socket.on('error', () => {}); // told to the write it belongs to
	}

	write(bytes: Uint8Array): Promise<void> {
		return new Promise((resolve, reject) => {
			this.socket.write(bytes, (error) => {
				// Node reports a write that destroy() cut off as done
				if (error || this.gaveUp) reject(error ?? closedPipe());
				else resolve();
			});
		});
	}

	async close(): Promise<void> {
		this.socket.destroySoon();
	}

	isClosed(): boolean {
		return native.pipeIsClosed(this.fd);
	}

	giveUp(): void {
		this.gaveUp = true;
		this.socket.destroy();
	}
}

/** The reader of a pipe went away: no error, just the end. */
export const isClosedPipe = (error: unknown): boolean =>
	hasCode(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END');

export async function openStdout(): Promise<Output> {
	const status = fstatSync(1);
	if (status.isFIFO() || status.isSocket()) return new PipeOutput(1);
	const file = await open('/proc/self/fd/1', 'a');
	return status.isFile() ? new FileOutput(file, status.size) : new StreamOutput(file);
}

/**
 * A new file, or an existing one that may be overwritten. Captured traffic is nobody else's
 * business: mode 0600. Devices and named pipes hold nothing that could be lost.
 */
export async function openFile(path: string, overwrite: boolean): Promise<Output> {
	const special = await stat(path).then(
		(status) => !status.isFile() && !status.isDirectory(),
		() => false,
	);
	const file = await open(path, overwrite || special ? 'w' : 'wx', 0o600);
	if (special) return new StreamOutput(file);
	await file.chmod(0o600);
	return new FileOutput(file);
}
