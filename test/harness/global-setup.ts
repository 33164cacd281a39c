/** Removes the namespaces of test runs that were killed. */
import { sweepNamespaces } from './lab.ts';

export default function setup(): void {
	sweepNamespaces();
}
