/**
 * Something that `JSON.parse` would hide.
 *
 * - `float`: a number written with a point or an exponent, even `1.0` and `1e2`
 * - `big-integer`: an integer beyond ±(2^53 − 1)
 * - `negative-zero`: `-0`
 * - `number-out-of-range`: a number no double can hold (`1e400`), or one with too many digits; its value reads as an infinity
 * - `duplicate-key`: a key that its object already had; the last one counts
 * - `lone-surrogate`: half a surrogate pair, by an escape, in a string or key
 * - `nul`: the character U+0000, by an escape, in a string or key. Lawful, but no database column takes it
 */
export type IrregularityKind =
  | 'float'
  | 'big-integer'
  | 'negative-zero'
  | 'number-out-of-range'
  | 'duplicate-key'
  | 'lone-surrogate'
  | 'nul';

/** `path` leads to the value from the top: keys and array indexes, cut after the first four. */
export type Irregularity = { kind: IrregularityKind; path: readonly (string | number)[] };
