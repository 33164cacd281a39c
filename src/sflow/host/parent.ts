/** host_parent (2002): the host in which a container or virtual machine runs. */
import type { DataSource } from '../data-source.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';

export function writeParent(xdr: XdrWriter, parent: DataSource): void {
	const lengthAt = begin(xdr, CounterRecord.hostParent);
	xdr.u32(parent.class);
	xdr.u32(parent.index);
	end(xdr, lengthAt);
}
