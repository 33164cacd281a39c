import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import {
	containerIdOf,
	controlGroupsOf,
	describeContainer,
	nameOf,
	readContainerNames,
} from '../../../src/topology/containers.ts';

const ID = '4f5e'.repeat(16);
const OTHER = '0a1b'.repeat(16);

test.each([
	['Docker, cgroup v2', `0::/system.slice/docker-${ID}.scope\n`, ID],
	['Docker, cgroup v1', `12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}\n`, ID],
	['Podman', `0::/machine.slice/libpod-${ID}.scope/container\n`, ID],
	[
		'containerd in Kubernetes',
		`0::/kubepods.slice/kubepods-pod1f3e.slice/cri-containerd-${ID}.scope\n`,
		ID,
	],
	['CRI-O', `0::/kubepods.slice/crio-${ID}.scope\n`, ID],
	['a container in a container', `0::/docker/${OTHER}/docker/${ID}\n`, ID],
	['LXC', '0::/lxc.payload.web/init.scope\n', 'web'],
	['systemd-nspawn', '0::/machine.slice/machine-web.scope/payload\n', 'web'],
	["Podman's monitor", `0::/machine.slice/libpod-conmon-${ID}.scope\n`, null],
	['a service', '0::/system.slice/ssh.service\n', null],
	['a kernel thread', '0::/\n', null],
])('%s', (_, cgroup, id) => {
	expect(containerIdOf(cgroup)).toBe(id);
});

test.each([
	[
		'version 2',
		`0::/system.slice/docker-${ID}.scope\n`,
		ID,
		{ '': `/system.slice/docker-${ID}.scope` },
	],
	[
		'version 1, where some hierarchies have only groups of others',
		`4:cpu,cpuacct:/docker/${ID}\n3:memory:/user.slice\n2:pids:/\n1:name=systemd:/docker/${ID}\n`,
		ID,
		{ cpu: `/docker/${ID}`, cpuacct: `/docker/${ID}`, 'name=systemd': `/docker/${ID}` },
	],
	[
		'both, and a process in a group of the container',
		`1:memory:/docker/${ID}/system.slice/x.service\n0::/docker/${ID}/init.scope\n`,
		ID,
		{ memory: `/docker/${ID}`, '': `/docker/${ID}` },
	],
	[
		'a container in a container',
		`0::/docker/${OTHER}/docker/${ID}/init.scope\n`,
		ID,
		{ '': `/docker/${OTHER}/docker/${ID}` },
	],
	['LXC', '0::/lxc.payload.web/init.scope\n', 'web', { '': '/lxc.payload.web' }],
	['LXC before 4', '2:memory:/lxc/web\n', 'web', { memory: '/lxc/web' }],
	[
		'systemd-nspawn',
		'0::/machine.slice/machine-web.scope/payload\n',
		'web',
		{ '': '/machine.slice/machine-web.scope' },
	],
	['another container', `0::/docker/${OTHER}\n`, ID, {}],
])('its own control groups: %s', (_, cgroup, id, groups) => {
	expect(Object.fromEntries(controlGroupsOf(cgroup, id))).toEqual(groups);
});

test('names come from the files of each runtime; broken ones are passed over', () => {
	const root = mkdtempSync(join(tmpdir(), 'xspan-test-'));
	const put = (path: string, content: unknown) => {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		const text = typeof content === 'string' ? content : JSON.stringify(content);
		writeFileSync(join(root, path), text);
	};
	const annotations = (name: string, pod: string) => ({
		annotations: {
			'io.kubernetes.cri.container-name': name,
			'io.kubernetes.cri.sandbox-name': pod,
		},
	});
	put(`var/lib/docker/containers/${ID}/config.v2.json`, { ID, Name: '/web' });
	put(`var/lib/docker/containers/${OTHER}/config.v2.json`, '{ half a file');
	put('var/lib/containers/storage/overlay-containers/containers.json', [
		{ id: 'a'.repeat(64), names: ['db', 'database'] },
		{ id: 'b'.repeat(64) },
	]);
	put('var/lib/nerdctl/1935db59/names/default/cache', 'c'.repeat(64));
	put(
		`run/containerd/io.containerd.runtime.v2.task/k8s.io/${'d'.repeat(64)}/config.json`,
		annotations('app', 'app-7d9f'),
	);
	try {
		expect([...readContainerNames(root)]).toEqual([
			[ID, ['web']],
			['a'.repeat(64), ['db', 'database']],
			['c'.repeat(64), ['cache']],
			['d'.repeat(64), ['app', 'app-7d9f']],
		]);
	} finally {
		rmSync(root, { recursive: true });
	}
});

test('no runtime at all is no names', () => {
	expect(readContainerNames('/nonexistent').size).toBe(0);
});

test('a container is called by its name and the short id', () => {
	expect(describeContainer({ id: ID, names: ['web'], pid: 1, netns: 1 })).toBe(
		'web (4f5e4f5e4f5e)',
	);
	expect(describeContainer({ id: 'web', names: [], pid: 1, netns: 1 })).toBe('web');
});

test('a container without a name is known by its id', () => {
	const container = { id: ID, names: [], pid: 1, netns: 1 };
	expect(nameOf(container)).toBe('4f5e4f5e4f5e');
	expect(nameOf({ ...container, names: ['web', 'pod'] })).toBe('web');
	expect(nameOf({ ...container, id: 'web' })).toBe('web');
});
