import { expect, test } from 'vitest';
import { isAtLeast } from '../../../src/doctor/doctor.ts';

test.each([
	['6.1.0-56-cloud-amd64', 6, 1, true],
	['6.18.44', 6, 6, true],
	['5.10.0', 6, 1, false],
	['6.0.19', 6, 1, false],
	['7.2-rc1', 6, 6, true],
])('%s is at least %d.%d: %s', (version, major, minor, expected) => {
	expect(isAtLeast(version, major, minor)).toBe(expected);
});
