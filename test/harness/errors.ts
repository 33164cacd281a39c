import { XspanError } from '../../src/errors.ts';

/** The code of the XspanError that a call throws. */
export function codeOf(call: () => unknown): string {
	try {
		call();
	} catch (error) {
		if (error instanceof XspanError) return error.code;
		throw error;
	}
	throw new Error('nothing was thrown');
}
