/**
 * The topology as a picture: this namespace on the left, the others on the right beside what they
 * are connected to, a line for each pair. Ports and stacked devices are indented as in the tree.
 */
import {
	type Device,
	type DeviceRef,
	describeKind,
	type Namespace,
	type Topology,
} from '../index.ts';
import { addressesOf, namespaceTitle, programsOf, stateOf } from './device-text.ts';
import { forestOf, type TreeNode } from './forest.ts';

const ROW = 26;
const INDENT = 20;
const PADDING = 12;
const GAP = 22;
const CHANNEL = 160;
/** Of the fonts below, on average; boxes are a little wide rather than too narrow. */
const CHARACTER = 7.2;

interface Row {
	device: Device;
	depth: number;
	text: string;
	badges: { text: string; color: string }[];
}

interface Box {
	namespace: Namespace;
	rows: Row[];
	x: number;
	y: number;
	width: number;
	height: number;
}

const escapeXml = (text: string): string =>
	text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const widthOf = (text: string): number => text.length * CHARACTER;

function rowOf(device: Device, depth: number): Row {
	const badges = programsOf(device).map((text) => ({ text, color: '#b7791f' }));
	if (device.promiscuity > 0)
		badges.unshift({ text: `promiscuous (${device.promiscuity})`, color: '#c53030' });
	const facts = [describeKind(device), addressesOf(device), stateOf(device)];
	return { device, depth, text: facts.filter(Boolean).join(', '), badges };
}

const rowsOf = (nodes: readonly TreeNode[], depth = 0): Row[] =>
	nodes.flatMap((node) => [rowOf(node.device, depth), ...rowsOf(node.below, depth + 1)]);

function rowWidth({ device, depth, text, badges }: Row): number {
	const all = `${device.name}  ${text}  ${badges.map((badge) => `${badge.text}   `).join('')}`;
	return depth * INDENT + widthOf(all) + 2 * PADDING;
}

function boxOf(namespace: Namespace, topology: Topology): Box {
	const rows = rowsOf(forestOf(namespace.inode, topology));
	const title = widthOf(namespaceTitle(namespace)) + 2 * PADDING;
	return {
		namespace,
		rows,
		x: PADDING,
		y: PADDING,
		width: Math.max(title, ...rows.map(rowWidth)),
		height: (rows.length + 1) * ROW + PADDING,
	};
}

const keyOf = ({ netns, ifindex }: DeviceRef): string => `${netns}/${ifindex}`;

const middleOfRow = (box: Box, index: number): number => box.y + (index + 1.5) * ROW;

/** How far down in the first box the first thing is that a box is connected to. */
function anchor(box: Box, first: Box): number {
	const rows = first.rows.flatMap(({ device }, index) =>
		box.rows.some(
			(row) =>
				(row.device.peer && keyOf(row.device.peer) === keyOf(device)) ||
				(row.device.parent && keyOf(row.device.parent) === keyOf(device)),
		)
			? [index]
			: [],
	);
	return rows[0] ?? Number.POSITIVE_INFINITY;
}

function layOut(topology: Topology): Box[] {
	const [first, ...others] = topology.namespaces.map((each) => boxOf(each, topology));
	if (!first) return [];
	const anchored = others.map((box) => ({ box, at: anchor(box, first) }));
	anchored.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at));
	let y = PADDING;
	for (const { box } of anchored) {
		box.x = first.x + first.width + CHANNEL;
		box.y = y;
		y += box.height + GAP;
	}
	return [first, ...anchored.map(({ box }) => box)];
}

function drawRow(box: Box, row: Row, index: number): string {
	const x = box.x + PADDING + row.depth * INDENT;
	const y = middleOfRow(box, index) + 4;
	let at = x + widthOf(`${row.device.name}  ${row.text}  `);
	const badges = row.badges.map(({ text, color }) => {
		const badge = `<tspan x="${at.toFixed(0)}" fill="${color}">${escapeXml(text)}</tspan>`;
		at += widthOf(`${text}   `);
		return badge;
	});
	const guide = row.depth
		? `<path d="M${x - 12} ${y - ROW + 4} V${y - 4} H${x - 3}" class="guide"/>`
		: '';
	return `${guide}<text x="${x}" y="${y}"><tspan class="name">${escapeXml(row.device.name)}</tspan><tspan x="${(x + widthOf(`${row.device.name}  `)).toFixed(0)}" class="facts">${escapeXml(row.text)}</tspan>${badges.join('')}</text>`;
}

function drawBox(box: Box): string {
	const { x, y, width, height, namespace, rows } = box;
	return [
		`<rect x="${x}" y="${y}" width="${width.toFixed(0)}" height="${height}" class="${namespace.own ? 'own' : 'other'}"/>`,
		`<text x="${x + PADDING}" y="${y + ROW - 6}" class="title">${escapeXml(namespaceTitle(namespace))}</text>`,
		...rows.map((row, index) => drawRow(box, row, index)),
	].join('\n');
}

interface End {
	box: Box;
	y: number;
}

/** From side to side; between two boxes of one column, around their right side. */
function curve(a: End, b: End, style: string): string {
	const right = (end: End) => end.box.x + end.box.width;
	if (a.box.x === b.box.x) {
		const out = Math.max(right(a), right(b)) + 40;
		return `<path d="M${right(a).toFixed(0)} ${a.y} C${out.toFixed(0)} ${a.y} ${out.toFixed(0)} ${b.y} ${right(b).toFixed(0)} ${b.y}" class="${style}"/>`;
	}
	const [left, other] = a.box.x < b.box.x ? [a, b] : [b, a];
	const from = right(left);
	const middle = (from + other.box.x) / 2;
	return `<path d="M${from.toFixed(0)} ${left.y} C${middle.toFixed(0)} ${left.y} ${middle.toFixed(0)} ${other.y} ${other.box.x.toFixed(0)} ${other.y}" class="${style}"/>`;
}

function drawEdges(boxes: readonly Box[]): string[] {
	const ends = new Map(
		boxes.flatMap((box) =>
			box.rows.map((row, index): [string, End] => [
				keyOf(row.device),
				{ box, y: middleOfRow(box, index) },
			]),
		),
	);
	const drawn = new Set<string>();
	return [...ends].flatMap(([key, end]) => {
		const row = end.box.rows.find(({ device }) => keyOf(device) === key);
		const { peer, parent, netns } = row?.device ?? { peer: null, parent: null, netns: 0 };
		const far = peer ?? (parent?.netns === netns ? null : parent);
		const other = far ? ends.get(keyOf(far)) : undefined;
		if (!far || !other || drawn.has(`${keyOf(far)} ${key}`)) return [];
		drawn.add(`${key} ${keyOf(far)}`);
		return [curve(end, other, peer ? 'pair' : 'stacked')];
	});
}

const STYLE = `
	text { font: 12px ui-sans-serif, "DejaVu Sans", Helvetica, sans-serif; fill: #1a202c }
	.title { font-weight: bold; fill: #2a4365 } .name { font-weight: bold } .facts { fill: #4a5568 }
	rect { rx: 6; stroke: #a0aec0; fill: #fff } .own { fill: #ebf8ff; stroke: #2b6cb0 }
	path { fill: none; stroke: #2b6cb0; stroke-width: 1.5 } .stacked { stroke-dasharray: 5 4 }
	.guide { stroke: #a0aec0; stroke-width: 1 }`;

export function topologySvg(topology: Topology): string {
	const boxes = layOut(topology);
	const width = Math.max(...boxes.map((box) => box.x + box.width), 0) + 60;
	const height = Math.max(...boxes.map((box) => box.y + box.height), 0) + PADDING;
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" width="${width.toFixed(0)}" height="${height}" viewBox="0 0 ${width.toFixed(0)} ${height}">`,
		`<style>${STYLE}\n</style>`,
		'<rect width="100%" height="100%" style="stroke: none"/>',
		...boxes.map(drawBox),
		...drawEdges(boxes),
		'</svg>',
	].join('\n');
}
