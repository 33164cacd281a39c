/** The containers and named namespaces that source expressions name, whatever is tapped for them. */
import { XspanError } from '../errors.ts';
import { type Container, findContainers, nameOf } from './containers.ts';
import { parseSource } from './expression.ts';
import { namedNamespace, netnsAt } from './namespaces.ts';
import { containersNamed } from './select.ts';
import type { Namespace } from './topology.ts';

export interface LogicalEntity {
	/** The id of a container; of a namespace "netns:blue". The same when it is started again. */
	id: string;
	/** As people know it. */
	name: string;
	/** Inode of its network namespace. */
	netns: number;
	/** Opens that namespace as long as the entity lives. */
	path: string;
	/** A process of the container; null: a namespace, which has no control group of its own. */
	pid: number | null;
}

/** What is asked of the host. Tests make their own. */
export interface EntityTable {
	containers(): Container[];
	namespace(name: string): Pick<Namespace, 'inode' | 'path'> | null;
}

const hostTable: EntityTable = { containers: () => findContainers(), namespace: namedNamespace };

const ofContainer = (container: Container): LogicalEntity => ({
	id: container.id,
	name: nameOf(container),
	netns: container.netns,
	path: `/proc/${container.pid}/ns/net`,
	pid: container.pid,
});

function ofNamespace(name: string, table: EntityTable): LogicalEntity[] {
	const found = table.namespace(name);
	if (!found) return [];
	return [{ id: `netns:${name}`, name, netns: found.inode, path: found.path, pid: null }];
}

function containersOrNone(wanted: string, containers: readonly Container[]): Container[] {
	try {
		return containersNamed(wanted, containers);
	} catch (error) {
		if (error instanceof XspanError) return [];
		throw error;
	}
}

/** Whether a source expression can name one: container:web, netns:blue/eth0. */
export const namesEntity = (text: string): boolean =>
	['container', 'netns'].includes(parseSource(text).type);

function entitiesOf(text: string, table: EntityTable): LogicalEntity[] {
	const expression = parseSource(text);
	switch (expression.type) {
		case 'container':
			return containersOrNone(expression.container, table.containers()).map(ofContainer);
		case 'netns':
			return ofNamespace(expression.name, table);
		default:
			return [];
	}
}

/** What an expression names at the moment. Of the namespace `own` the host itself is the entity. */
export const entitiesNamed = (
	text: string,
	own: number,
	table: EntityTable = hostTable,
): LogicalEntity[] => entitiesOf(text, table).filter(({ netns }) => netns !== own);

/** Whether it is still the one that was found. */
export const entityLives = ({ path, netns }: LogicalEntity): boolean => netnsAt(path) === netns;
