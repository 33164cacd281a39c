/** What the agent remembers of a data source: its sequence numbers and its losses. */
export class DataSource {
	/** Class of sFlowDataSource, see SourceClass. */
	readonly class: number;
	readonly index: number;
	/** Of the last flow sample; the first one has 1. */
	flowSequence = 0;
	/** Of the last counter sample. */
	counterSequence = 0;
	/** Samples that the agent itself lost for lack of resources. */
	dropped = 0;

	constructor(sourceClass: number, index: number) {
		this.class = sourceClass;
		this.index = index;
	}
}
