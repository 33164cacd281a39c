/** host_descr (2000): which host this is, or what runs in it. */
import { arch, hostname, release } from 'node:os';
import { textOf } from '../proc.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';

export interface HostDescription {
	hostname: string;
	/** 16 bytes; zeros: not known. */
	uuid: Uint8Array;
	/** enum machine_type. */
	machineType: number;
	osRelease: string;
}

/** hostname<64> and os_release<32>. */
const HOSTNAME_MOST = 64;
const RELEASE_MOST = 32;

const UUID_BYTES = 16;

/** enum os_name */
const OS_LINUX = 2;

const MACHINE_OTHER = 1;
/** enum machine_type, by what Node calls the architecture. */
const MACHINE_TYPE: Record<string, number> = {
	ia32: 2,
	x64: 3,
	ppc: 7,
	ppc64: 7,
	mips: 9,
	mipsel: 9,
	arm: 10,
	arm64: 10,
	s390: 12,
	s390x: 12,
};

export const machineType = (architecture: string): number =>
	MACHINE_TYPE[architecture] ?? MACHINE_OTHER;

/** 32 hexadecimal digits, with or without dashes. */
export function parseUuid(text: string): Uint8Array | null {
	const digits = text.trim().replaceAll('-', '');
	return /^[0-9a-f]{32}$/i.test(digits) ? Buffer.from(digits, 'hex') : null;
}

/** Of the machine; where there is none (or no right to read it), of the installation. */
const UUID_FILES = ['/sys/class/dmi/id/product_uuid', '/etc/machine-id'];

export function readUuid(): Uint8Array {
	for (const path of UUID_FILES) {
		const uuid = parseUuid(textOf(path) ?? '');
		if (uuid) return uuid;
	}
	return new Uint8Array(UUID_BYTES);
}

export const readDescription = (): HostDescription => ({
	hostname: hostname(),
	uuid: readUuid(),
	machineType: machineType(arch()),
	osRelease: release(),
});

export function writeDescription(xdr: XdrWriter, host: HostDescription): void {
	const lengthAt = begin(xdr, CounterRecord.hostDescription);
	xdr.string(host.hostname, HOSTNAME_MOST);
	xdr.fixed(host.uuid);
	xdr.u32(host.machineType);
	xdr.u32(OS_LINUX);
	xdr.string(host.osRelease, RELEASE_MOST);
	end(xdr, lengthAt);
}
