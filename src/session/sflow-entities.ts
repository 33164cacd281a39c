/** Containers and namespaces among the sources of an sFlow session: data sources of their own. */
import type { Plan } from '../plan/plan.ts';
import type { SflowAgent } from '../sflow/agent.ts';
import {
	entitiesNamed,
	entityLives,
	type LogicalEntity,
	namesEntity,
} from '../topology/entities.ts';
import type { TapState } from './session.ts';

/** All processes are read for it: without a sign that something has changed, not often. */
const LOOK_MS = 20_000;

/** Keeps the agent's entities those that the source expressions name. */
export class EntityFollower {
	private readonly plan: Pick<Plan, 'netns' | 'follow'>;
	private readonly agent: Pick<SflowAgent, 'addEntity' | 'removeEntity'>;
	private readonly expressions: Set<string>;
	private live = new Map<string, LogicalEntity>();
	private lookedMs = Number.NEGATIVE_INFINITY;
	private taps = '';

	constructor(
		sources: readonly string[],
		plan: Pick<Plan, 'netns' | 'follow'>,
		agent: Pick<SflowAgent, 'settings' | 'addEntity' | 'removeEntity'>,
	) {
		this.plan = plan;
		this.agent = agent;
		this.expressions = new Set(agent.settings.pollingMs === 0 ? [] : sources.filter(namesEntity));
	}

	/** What came with an interface, or has gone, is noticed at once. */
	look(taps: readonly TapState[]): void {
		if (this.expressions.size === 0) return;
		const now = performance.now();
		const state = taps.map(({ ended }) => (ended ? '-' : '+')).join('');
		const isDue =
			state !== this.taps ||
			now >= this.lookedMs + LOOK_MS ||
			[...this.live.values()].some((entity) => !entityLives(entity));
		if (!isDue) return;
		this.taps = state;
		this.lookedMs = now;
		this.update(this.find());
	}

	/** What is not followed, and has gone, does not come back. */
	private find(): Map<string, LogicalEntity> {
		const found = new Map<string, LogicalEntity>();
		for (const text of [...this.expressions]) {
			const entities = entitiesNamed(text, this.plan.netns);
			for (const entity of entities) found.set(entity.id, entity);
			if (entities.length === 0 && !this.plan.follow.includes(text)) this.expressions.delete(text);
		}
		return found;
	}

	private update(found: Map<string, LogicalEntity>): void {
		for (const id of this.live.keys()) if (!found.has(id)) this.agent.removeEntity(id);
		for (const entity of found.values()) this.agent.addEntity(entity);
		this.live = found;
	}
}
