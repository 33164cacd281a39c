import { Command, type Command as CommanderCommand, Option } from 'commander';
import {
	type MirrorSpec,
	mirror,
	parseCount,
	parseDestination,
	planMirror,
	readHost,
	SNAPLEN,
	type TunnelOptions,
	withTunnelOptions,
} from '../index.ts';
import { addCommonOptions, type CommonOptions, commonSpec, option } from './options.ts';
import { runSession } from './run.ts';

interface MirrorOptions extends CommonOptions, Omit<TunnelOptions, 'mtu'> {
	to: string;
	snaplen?: number;
	mtu?: number | 'auto';
}

const whole = (what: string, min: number, max: number) =>
	option((text) => parseCount(text, what, min, max));

const mtu = option((text) => (text === 'auto' ? text : parseCount(text, 'MTU', 576, 65_535)));

function addDestinationOptions(command: CommanderCommand): CommanderCommand {
	return command
		.option(
			'-s, --snaplen <bytes>',
			`bytes copied of each frame, ${SNAPLEN.min} to ${SNAPLEN.max} (default: all)`,
			whole('snaplen', SNAPLEN.min, SNAPLEN.max),
		)
		.option('--source-address <ip>', 'of tunnels (default: as the route says)')
		.option('--ttl <n>', 'TTL or hop limit of tunnels (default: 64)', whole('ttl', 1, 255))
		.option('--dscp <n>', 'of tunnels (default: 0)', whole('dscp', 0, 63))
		.option('--mtu <bytes>', 'of the way to the collector; auto: as the route says (default)', mtu)
		.addOption(
			new Option(
				'--oversize <what>',
				'what to do with copies that do not fit the MTU (default: truncate)',
			).choices(['truncate', 'drop']),
		);
}

function specOf(sources: string[], options: MirrorOptions): MirrorSpec {
	const { sourceAddress, ttl, dscp, mtu, oversize } = options;
	const to = withTunnelOptions(parseDestination(options.to), {
		sourceAddress,
		ttl,
		dscp,
		mtu: mtu === 'auto' ? undefined : mtu,
		oversize,
	});
	return {
		...commonSpec(sources, options),
		to,
		...(options.snaplen === undefined ? {} : { snaplen: options.snaplen }),
	};
}

export function mirrorCommand(): Command {
	const command = new Command('mirror')
		.description(
			'copy what interfaces receive and send, inside the kernel, to another interface or host',
		)
		.argument(
			'<source...>',
			"eth0, 'veth*', container:NAME, pid:PID/eth0, netns:NAME/eth0, bridge:br0, mac:..., ip:...",
		)
		.requiredOption('--to <destination>', 'where copies go, see below');
	return addCommonOptions(addDestinationOptions(command))
		.addHelpText(
			'after',
			`
Destinations:
  port:NAME                                     an interface of this host (SPAN)
  port:netns:NAME/INTERFACE                     one in another network namespace
  rspan:NAME?vlan=900[&priority=0-7]            a trunk, with the tag of a remote VLAN (RSPAN)
  gre://ADDRESS[?key=7][&seq=1]                 Ethernet over GRE
  erspan://ADDRESS?session=10[&index=][&cos=]   ERSPAN type II
  erspan://ADDRESS?session=10&version=3[&hwid=][&cos=][&granularity=100us|100ns]
  erspan://ADDRESS?version=1                    ERSPAN type I
  vxlan://ADDRESS?vni=42[&port=4789][&symmetric=1]
  geneve://ADDRESS?vni=42[&port=6081][&symmetric=1][&meta=1[&session=N]]
An ADDRESS is IPv4, or IPv6 in brackets: erspan://[2001:db8::9]?session=10

Examples:
  xspan mirror eth0 --to port:ids0
  xspan mirror eth0 eth1 --to 'erspan://192.0.2.9?session=10' --direction rx --duration 30s --json
  xspan mirror container:web --to 'vxlan://192.0.2.9?vni=42' --snaplen 128 --filter 'tcp port 443'`,
		)
		.action(async (sources: string[], options: MirrorOptions) => {
			const spec = specOf(sources, options);
			if (options.dryRun) {
				console.log(JSON.stringify(planMirror(spec, readHost()), null, '\t'));
				return;
			}
			process.exitCode = await runSession((live) => mirror({ ...spec, ...live }), {
				json: options.json === true,
				interval: options.interval,
				stdoutTaken: false,
			});
		});
}
