/**
 * How deep arrays and objects may be nested. No server we know of reads more (Python stops before 1,000), nothing real comes near it,
 * and everything that recurses stays far from the end of its stack.
 */
export const MAX_JSON_DEPTH = 1_000;

/** The most digits a number may have. The servers that could hash a longer one do not read it. */
export const MAX_NUMBER_LENGTH = 4_300;

/** After so many irregularities a document is refused outright. */
export const MAX_IRREGULARITIES = 10_000;

/** An irregularity is located by at most so many keys: enough to say which event of a transaction it is in. */
export const MAX_IRREGULARITY_PATH = 4;
