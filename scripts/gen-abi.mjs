// Writes src/abi.gen.ts from the BTF of bpf/abi.h. With --check: fails when the file would change.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'src/abi.gen.ts');

function readBtf() {
	const dir = mkdtempSync(join(tmpdir(), 'xspan-abi-'));
	const object = join(dir, 'abi.o');
	try {
		const multiarch = execFileSync('cc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
		execFileSync('clang', [
			...['-g', '-O2', '-target', 'bpf', '-idirafter', `/usr/include/${multiarch}`],
			...['-c', join(root, 'bpf/abi.btf.c'), '-o', object],
		]);
		const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
		const json = execFileSync('bpftool', ['btf', 'dump', 'file', object, '-j'], {
			encoding: 'utf8',
			env,
		});
		return JSON.parse(json).types;
	} finally {
		rmSync(dir, { recursive: true });
	}
}

const types = new Map(readBtf().map((type) => [type.id, type]));

function resolve(id) {
	const type = types.get(id);
	return type.kind === 'TYPEDEF' ? resolve(type.type_id) : type;
}

function sizeOf(id) {
	const type = resolve(id);
	return type.kind === 'ARRAY' ? type.nr_elems * sizeOf(type.type_id) : type.size;
}

const pascal = (name) =>
	name
		.split('_')
		.map((word) => word[0].toUpperCase() + word.slice(1))
		.join('');

// xs_lost_reason -> LostReason; XS_LOST_RING_FULL -> ring_full
const typeName = (name) => pascal(name.replace(/^xs_/, ''));

function memberName(value, all) {
	const words = value.name.split('_');
	const isShared = (word, i) => all.every((other) => other.name.split('_')[i] === word);
	// A lone member shares every word with itself: only the project's prefix goes.
	const shared = all.length === 1 ? 1 : words.findIndex((word, i) => !isShared(word, i));
	return words.slice(shared).join('_').toLowerCase();
}

function enumText(type) {
	const members = type.values.map((value) => `\t${memberName(value, type.values)}: ${value.val},`);
	return `export const ${typeName(type.name)} = {\n${members.join('\n')}\n} as const;\n`;
}

function structText(type) {
	const fields = type.members.map((member) => {
		const offset = member.bits_offset / 8;
		return `\t\t${member.name}: { offset: ${offset}, size: ${sizeOf(member.type_id)} },`;
	});
	const name = `${typeName(type.name)}Layout`;
	return `export const ${name} = {\n\tsize: ${type.size},\n\tfields: {\n${fields.join('\n')}\n\t},\n} as const;\n`;
}

const named = [...types.values()].filter((type) => type.name?.startsWith('xs_'));
const text = [
	'// Generated from bpf/abi.h by scripts/gen-abi.mjs (`make abi`). Do not edit.\n',
	...named.filter((type) => type.kind === 'ENUM').map(enumText),
	...named.filter((type) => type.kind === 'STRUCT').map(structText),
].join('\n');

if (process.argv.includes('--check')) {
	if (readFileSync(target, 'utf8') !== text) {
		console.error('src/abi.gen.ts does not match bpf/abi.h: run `make abi` and commit it.');
		process.exit(1);
	}
} else {
	writeFileSync(target, text);
}
