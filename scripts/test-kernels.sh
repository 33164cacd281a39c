#!/bin/bash
# Runs the kernel tests, and a mirror and a capture between namespaces, on other kernels than this
# machine's: stock Debian kernels in an emulated machine. Slow (about a minute each); correctness only.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0
for kernel in "${@:-6.1 6.12 7.2}"; do
	for series in $kernel; do
		echo "== Linux $series"
		RIK_MEM=2048M RIK_TIMEOUT=540 scripts/run-in-kernel "$series" bash -c '
			export CI=true XSPAN_ORACLE_PAIRS=1000 XSPAN_ALL_KINDS=1
			npx --no-install vitest run --project kernel --testTimeout 120000 &&
			npx --no-install vitest run --project e2e --testTimeout 300000 test/e2e/any-kernel.test.ts test/e2e/device-kinds.test.ts' || failed=1
	done
done
exit $failed
