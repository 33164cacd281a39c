/** Which containers and namespaces an expression names. */
import { expect, test } from 'vitest';
import type { Container } from '../../../src/topology/containers.ts';
import {
	type EntityTable,
	entitiesNamed,
	entityLives,
	namesEntity,
} from '../../../src/topology/entities.ts';
import { netnsAt } from '../../../src/topology/namespaces.ts';

const OWN = 1;
const [WEB, PAUSE, HOSTED] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [
	string,
	string,
	string,
];

const CONTAINERS: Container[] = [
	{ id: PAUSE, names: ['shop-7d9f'], pid: 40, netns: 7 },
	{ id: WEB, names: ['web', 'shop-7d9f'], pid: 42, netns: 7 },
	{ id: HOSTED, names: ['agent'], pid: 43, netns: OWN },
];

const TABLE: EntityTable = {
	containers: () => CONTAINERS,
	namespace: (name) =>
		({ blue: { inode: 9, path: '/run/netns/blue' }, self: { inode: OWN, path: '/x' } })[name] ??
		null,
};

const named = (text: string) => entitiesNamed(text, OWN, TABLE);

test('a container', () => {
	const web = { id: WEB, name: 'web', netns: 7, path: '/proc/42/ns/net', pid: 42 };
	expect(named('container:web')).toEqual([web]);
	expect(named('container:web/eth0')).toEqual([web]);
	expect(named('container:aaaa')).toEqual([web]);
});

test('the containers of a pod, by its name', () => {
	expect(named('container:shop-7d9f').map(({ id }) => id)).toEqual([PAUSE, WEB]);
});

test('a namespace', () => {
	const blue = { id: 'netns:blue', name: 'blue', netns: 9, path: '/run/netns/blue', pid: null };
	expect(named('netns:blue')).toEqual([blue]);
	expect(named('netns:blue/eth0')).toEqual([blue]);
});

test.each(['container:agent', 'netns:self', 'container:gone', 'netns:gone', 'eth0', 'pid:42'])(
	'%s: none',
	(text) => {
		expect(named(text)).toEqual([]);
	},
);

test('which expressions can name one', () => {
	const texts = ['container:web', 'netns:blue/eth0', 'pid:42', 'eth0', 'bridge:br0'];
	expect(texts.filter(namesEntity)).toEqual(['container:web', 'netns:blue/eth0']);
});

test('it lives as long as its path leads to its namespace', () => {
	const path = '/proc/self/ns/net';
	const own = { id: 'x', name: 'x', pid: null, path, netns: netnsAt(path) as number };
	expect(entityLives(own)).toBe(true);
	expect(entityLives({ ...own, netns: own.netns + 1 })).toBe(false);
	expect(entityLives({ ...own, path: '/proc/999999999/ns/net' })).toBe(false);
	expect(entityLives({ ...own, path: '/etc/hostname' })).toBe(false);
});
