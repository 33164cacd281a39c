import { Command } from 'commander';
import { describeContainer, describeKind, type Place, readTopology, whereIs } from '../index.ts';
import { addressesOf, namespaceTitle } from './device-text.ts';
import { paint } from './print.ts';

function facts({ device, namespace, containers, hostEnd, bridge, parent }: Place): string[][] {
	const known: [string, string | undefined][] = [
		['interface', `${device.name}, ifindex ${device.ifindex}, ${describeKind(device)}`],
		['addresses', [device.address, addressesOf(device)].filter(Boolean).join(' ')],
		['namespace', `${namespaceTitle(namespace)}, inode ${namespace.inode}`],
		['container', containers.map(describeContainer).join(', ')],
		['host side', hostEnd ? `${hostEnd.name}, ifindex ${hostEnd.ifindex}` : ''],
		['bridge', bridge?.name],
		['parent', parent ? `${parent.name}, ${describeKind(parent)}` : ''],
		['promiscuity', device.promiscuity > 0 ? String(device.promiscuity) : ''],
	];
	return known.flatMap(([what, value]) => (value ? [[what, value]] : []));
}

function text(place: Place): string {
	return [
		paint.bold(place.device.name),
		...facts(place).map(([what = '', value]) => `  ${what.padEnd(12)} ${value}`),
		...place.advice.flatMap(({ see, source, note }) => [
			`  to see ${see}`,
			...(source ? [`      ${paint.green(source)}`] : []),
			...(note ? [`      ${paint.dim(note)}`] : []),
		]),
	].join('\n');
}

export function whereCommand(): Command {
	return new Command('where')
		.description('say where an address, interface, container or process is, and where to tap it')
		.argument('<what>', 'an IP or MAC address, an interface, container:NAME, pid:PID, netns:NAME')
		.option('--json', 'print JSON')
		.addHelpText('after', '\nExample:\n  xspan where 10.88.1.2')
		.action((what: string, options: { json?: boolean }) => {
			const places = whereIs(what, readTopology());
			console.log(options.json ? JSON.stringify(places) : places.map(text).join('\n\n'));
		});
}
