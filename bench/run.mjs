/** Measures xspan beside its real peers, in one interleaved run: node bench/run.mjs --help */
import { pinning } from './lib/cpus.mjs';
import { describeHost } from './lib/host.mjs';
import { Lab } from './lib/lab.mjs';
import { parseOptions, USAGE } from './lib/options.mjs';
import { printTable, saveResults } from './lib/report.mjs';
import { Traffic } from './lib/traffic.mjs';
import { captureCost } from './rows/capture-cost.mjs';
import { captureLoss } from './rows/capture-loss.mjs';
import { delivery } from './rows/delivery.mjs';
import { filter } from './rows/filter.mjs';
import { many } from './rows/many.mjs';
import { memory } from './rows/memory.mjs';
import { mirror } from './rows/mirror.mjs';
import { remote } from './rows/remote.mjs';
import { remoteBulk } from './rows/remote-bulk.mjs';
import { remoteCost } from './rows/remote-cost.mjs';
import { remoteFormats } from './rows/remote-formats.mjs';
import { sample } from './rows/sample.mjs';
import { sflow } from './rows/sflow.mjs';
import { sflowCpu } from './rows/sflow-cpu.mjs';
import { sflowSoak } from './rows/sflow-soak.mjs';
import { startStop } from './rows/start-stop.mjs';
import { topology } from './rows/topology.mjs';

const BENCHMARKS = [
	mirror,
	captureCost,
	captureLoss,
	delivery,
	memory,
	startStop,
	filter,
	sample,
	sflow,
	sflowCpu,
	sflowSoak,
	many,
	remote,
	remoteCost,
	remoteFormats,
	remoteBulk,
	topology,
];
const NAMES = BENCHMARKS.map((each) => each.name);
const QUICK_DIVISOR = 5;
const WARM_UP_FRAMES = 500_000;

/** @returns {import('./lib/options.mjs').Options} */
function optionsOrExit() {
	const argv = process.argv.slice(2);
	if (argv.includes('--help')) {
		process.stdout.write(`${USAGE}\nrows: ${NAMES.join(', ')}\n`);
		process.exit(0);
	}
	try {
		const options = parseOptions(argv);
		const unknown = options.names.find((name) => !NAMES.includes(name));
		if (unknown) throw new Error(`there is no row "${unknown}": ${NAMES.join(', ')}`);
		return options;
	} catch (error) {
		process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}`);
		process.exit(2);
	}
}

/** Runs the chosen rows one after the other. */
async function measure(options) {
	const lab = new Lab();
	const traffic = await Traffic.open(lab);
	await traffic.send(60, WARM_UP_FRAMES);
	const rows = [];
	for (const { name, run } of BENCHMARKS) {
		if (options.names.length && !options.names.includes(name)) continue;
		const progress = (text) => process.stderr.write(`${name}: ${text}\n`);
		const scale = (count) => (options.quick ? count / QUICK_DIVISOR : count);
		rows.push(...(await run({ ...options, lab, traffic, scale, progress })));
	}
	return rows;
}

// 'exit' removes the namespaces and the processes in them, whatever the reason.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
	process.once(signal, () => process.exit(1));

const options = optionsOrExit();
if (process.getuid?.() !== 0) {
	process.stderr.write('the benchmark makes network namespaces: run it as root\n');
	process.exit(4);
}
const date = new Date();
const host = describeHost();
const rows = await measure(options);
console.log(
	`${host.cpus} x ${host.cpu}, Linux ${host.kernel}; ${options.pairs} pairs; ${pinning}\n`,
);
printTable(rows);
console.log(`\nall values: ${saveResults(date, { options, host, pinning, rows })}`);
process.exit(0);
