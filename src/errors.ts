/** Exit codes of every command, and what they mean. Documented in docs/errors.md. */
export const EXIT = {
	ok: 0,
	/** A defect of xspan, or something nobody thought of. */
	unexpected: 1,
	/** The command line or an option is wrong. */
	usage: 2,
	/** An interface or file that was named does not exist. */
	notFound: 3,
	/** A capability is missing. */
	permission: 4,
	/** This kernel or driver cannot do it. */
	unsupported: 5,
	/** The request contradicts itself or something that is there already. */
	conflict: 6,
	/** Writing the output failed. */
	output: 7,
	/** The session ended because a device it needs went away. */
	deviceGone: 8,
} as const;

export type ExitKind = keyof typeof EXIT;

export interface XspanErrorOptions {
	/** What the user can do about it. One sentence. */
	hint?: string;
	cause?: unknown;
	/** Long text for --debug, such as the verifier's log. */
	details?: string;
}

/** Every error that is not a defect: a message for people, a code for programs. */
export class XspanError extends Error {
	override readonly name = 'XspanError';
	/** snake_case, stable: `unknown_interface`, `missing_capability`, ... */
	readonly code: string;
	readonly kind: ExitKind;
	readonly hint: string | undefined;
	readonly details: string | undefined;

	constructor(kind: ExitKind, code: string, message: string, options: XspanErrorOptions = {}) {
		super(message, options.cause === undefined ? {} : { cause: options.cause });
		this.kind = kind;
		this.code = code;
		this.hint = options.hint;
		this.details = options.details;
	}

	get exitCode(): number {
		return EXIT[this.kind];
	}
}

/** An error of the operating system, as Node and the addon throw them. */
export interface SystemError extends Error {
	code: string;
	operation?: string;
	verifierLog?: string;
}

export function isSystemError(error: unknown): error is SystemError {
	return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
	return isSystemError(error) && codes.includes(error.code);
}
