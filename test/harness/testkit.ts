/** test/testkit/testkit.cc, typed. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

export interface Testkit {
	testRun(
		programFd: number,
		frame: Uint8Array,
		options?: {
			repeat?: number;
			tag?: [protocol: number, tci: number];
			gso?: [size: number, segments: number];
			ingress?: number;
		},
	): { verdict: number; data: Buffer; meta: number; nsPerRun: number };
	/** Sends a frame count times through an interface of this namespace; blocks until it is done. */
	send(options: { ifindex: number; frame: Uint8Array; count: number; numberAt?: number }): void;
	/** Rows of [boot time, wall-clock time, boot time, stamp]; the wall-clock time of each stamp. ns */
	wallTimes(rows: [number, number, number, number][]): number[];
	/** What libpcap's own interpreter says of each frame. */
	pcapMatches(expression: string, frames: Uint8Array[]): boolean[];
	ifindex(name: string): number;
	/** Somebody else's program at a hook. */
	Bystander: new (options: {
		hook: 'xdp' | 'rx' | 'tx';
		ifindex: number;
	}) => {
		close(): void;
		fd(): number;
	};
}

export const root = join(import.meta.dirname, '../..');

export const testkit = createRequire(import.meta.url)(
	join(root, 'build/Release/testkit.node'),
) as Testkit;
