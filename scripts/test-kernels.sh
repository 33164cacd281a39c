#!/bin/bash
# Runs the kernel tests, a mirror and a capture between namespaces, and the kernel's own tunnel devices,
# as receivers of our copies and as what sFlow reports of, on other kernels than this machine's: stock Debian kernels in an emulated
# machine. Slow (about ten minutes each); correctness only.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

# One machine per part: each has its own time limit.
on() { # SERIES VITEST-ARGUMENT...
	local series=$1
	shift
	CI=true XSPAN_ORACLE_PAIRS=1000 XSPAN_ALL_DEVICES=1 RIK_ENV="CI XSPAN_ORACLE_PAIRS XSPAN_ALL_DEVICES" \
		RIK_MEM=2048M RIK_TIMEOUT=540 scripts/run-in-kernel "$series" npx --no-install vitest run "$@" || failed=1
}

for kernel in "${@:-6.1 6.12 7.2}"; do
	for series in $kernel; do
		echo "== Linux $series"
		on "$series" --project kernel --testTimeout 120000 --exclude 'test/kernel/encapsulation*'
		for part in '' -ports -segments; do
			on "$series" --project kernel --testTimeout 120000 "test/kernel/encapsulation$part.test.ts"
		done
		on "$series" --project e2e --testTimeout 300000 test/e2e/any-kernel.test.ts
		on "$series" --project e2e --testTimeout 300000 test/e2e/kernel-receives.test.ts
		on "$series" --project e2e --testTimeout 300000 test/e2e/tun-mirror.test.ts
		on "$series" --project e2e --testTimeout 300000 test/e2e/device-kinds.test.ts
		for part in bridges bridge-vlans router tunnels; do
			on "$series" --project e2e --testTimeout 300000 "test/e2e/sflow-$part.test.ts"
		done
		on "$series" --project e2e --testTimeout 300000 test/e2e/where-seen.test.ts -t 'all kinds'
	done
done
exit $failed
