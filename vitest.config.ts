import { defineConfig } from 'vitest/config';

// Kinds of devices that not every kernel has: run by scripts/test-kernels.sh where all of them are.
const elsewhere = process.env['XSPAN_ALL_DEVICES']
	? []
	: ['test/e2e/device-kinds.test.ts', 'test/e2e/sflow-bridge-vlans.test.ts'];

// The addon is tested in processes of its own: a crash is then one failed file.
const project = (name: string, testTimeout: number) => ({
	extends: true as const,
	test: {
		name,
		include: [`test/${name}/**/*.test.ts`],
		exclude: elsewhere,
		testTimeout,
		hookTimeout: 60_000,
	},
});

export default defineConfig({
	test: {
		pool: 'forks',
		// Two at a time: the tests move real traffic, and the machine may have two cores.
		maxWorkers: 2,
		globalSetup: 'test/harness/global-setup.ts',
		projects: [project('unit', 10_000), project('kernel', 30_000), project('e2e', 60_000)],
	},
});
