/** By which collectors know a container or namespace again. */
import { createHash } from 'node:crypto';
import { parseUuid } from '../host/description.ts';

const UUID_BYTES = 16;
const UUID_DIGITS = 32;

/** 64 hexadecimal digits, as most runtimes draw them: unique, everywhere. */
const DRAWN = /^[0-9a-f]{64}$/;

/** RFC 4122, version 5: the same name in the same namespace (itself a uuid) has the same uuid. */
export function nameBasedUuid(namespace: Uint8Array, name: string): Uint8Array {
	const uuid = createHash('sha1').update(namespace).update(name).digest().subarray(0, UUID_BYTES);
	uuid[6] = ((uuid[6] as number) & 0x0f) | 0x50;
	uuid[8] = ((uuid[8] as number) & 0x3f) | 0x80;
	return uuid;
}

/** A name is one of its host only. */
export const entityUuid = (id: string, host: Uint8Array): Uint8Array =>
	(DRAWN.test(id) && parseUuid(id.slice(0, UUID_DIGITS))) || nameBasedUuid(host, id);
