#!/bin/bash
# Installs the Debian/Ubuntu packages that building, testing and the demo need, when they are missing.
set -euo pipefail

BUILD=(clang llvm clang-format clang-tidy cmake g++ make pkg-config libbpf-dev bpftool libelf-dev zlib1g-dev libmnl-dev libpcap-dev)
# nfdump-sflow brings nfdump, whose nfcapd service Debian enables; the tests need only the programs.
TEST=(iproute2 nftables iptables ethtool iputils-ping tcpdump tshark iperf3 python3 libcap2-bin util-linux pmacct nfdump-sflow)

missing() {
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

if ! command -v dpkg-query >/dev/null; then
	echo "This is not Debian or Ubuntu. Please install what these packages contain:"
	echo "  to build: ${BUILD[*]}"
	echo "  to test:  ${TEST[*]}"
	echo "Going on with what is there."
	exit 0
fi

mapfile -t wanted < <(missing "${BUILD[@]}" "${TEST[@]}")
[ ${#wanted[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "missing packages: run as root: apt-get install ${wanted[*]}" >&2
	exit 1
fi
echo "installing ${wanted[*]}"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } >"$log" 2>&1 || {
	cat "$log" >&2
	echo "installing packages failed" >&2
	exit 1
}
rm -f "$log"
