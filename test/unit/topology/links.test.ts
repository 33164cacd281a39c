import { expect, test } from 'vitest';
import { XspanError } from '../../../src/errors.ts';
import { findLink, nearestNames, readLinks } from '../../../src/topology/links.ts';
import { link } from '../../harness/links.ts';

const LINKS = [
	link('lo', 1),
	link('eth0', 2),
	link('eth1', 3),
	link('ens18', 4),
	link('docker0', 5),
];

test('finds by exact name', () => {
	expect(findLink('eth1', LINKS).ifindex).toBe(3);
});

test('names the nearest', () => {
	expect(nearestNames('eht0', LINKS)[0]).toBe('eth0');
	expect(nearestNames('dokcer0', LINKS)).toEqual(['docker0']);
	expect(nearestNames('wlan-with-a-long-name', LINKS)).toEqual([]);
});

test('says what there is when nothing is near', () => {
	try {
		findLink('wlan-with-a-name', LINKS);
		expect.unreachable();
	} catch (error) {
		expect(error).toBeInstanceOf(XspanError);
		expect((error as XspanError).hint).toContain('lo, eth0, eth1, ens18, docker0');
	}
});

test('the kernel tells of the loopback interface', () => {
	const loopback = readLinks().find((each) => each.name === 'lo');
	expect(loopback).toMatchObject({
		ifindex: 1,
		arpType: 772,
		mtu: 65_536,
		address: '00:00:00:00:00:00',
	});
});
