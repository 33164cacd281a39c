/** Data sources of class 3: each container or namespace keeps its index while the agent lives. */
import type { LogicalEntity } from '../topology/entities.ts';
import { DataSource } from './data-source.ts';
import { SourceClass } from './structures.ts';

/** The range of virtual machines and containers, as the Host sFlow agent numbers them. */
export const LOGICAL_INDEX = { first: 100_000, end: 150_000 } as const;

const RANGE = LOGICAL_INDEX.end - LOGICAL_INDEX.first;

export class LogicalSources {
	/** By the id of the entity, the one that began longest ago first. */
	private readonly known = new Map<string, DataSource>();
	private readonly taken = new Set<number>();
	/** What tells its present life from one before. */
	private readonly live = new Map<string, string>();

	/** How many there are at the moment. */
	get count(): number {
		return this.live.size;
	}

	/**
	 * The uuid decides about the index, so that it is most likely the same after a restart of the
	 * agent. Null: all indexes are in use.
	 */
	start({ id, path, netns }: LogicalEntity, uuid: Uint8Array): DataSource | null {
		const source = this.known.get(id) ?? this.fresh(uuid);
		if (!source) return null;
		this.known.delete(id);
		this.known.set(id, source);
		this.taken.add(source.index);
		const life = `${path} ${netns}`;
		// "If the agent resets any of the counters then it must also reset the sequence_number."
		if (this.live.get(id) !== life) source.counterSequence = 0;
		this.live.set(id, life);
		return source;
	}

	/** Null: it was not there. */
	stop(id: string): DataSource | null {
		return this.live.delete(id) ? (this.known.get(id) ?? null) : null;
	}

	private fresh(uuid: Uint8Array): DataSource | null {
		if (this.taken.size === RANGE && !this.forgetOldest()) return null;
		let offset = Buffer.from(uuid).readUInt32BE(0) % RANGE;
		while (this.taken.has(LOGICAL_INDEX.first + offset)) offset = (offset + 1) % RANGE;
		return new DataSource(SourceClass.logicalEntity, LOGICAL_INDEX.first + offset);
	}

	/** Of those that have gone. */
	private forgetOldest(): boolean {
		for (const [id, { index }] of this.known) {
			if (this.live.has(id)) continue;
			this.taken.delete(index);
			return this.known.delete(id);
		}
		return false;
	}
}
