import { randomBytes, randomInt } from 'node:crypto';

/** Unpredictable values. Passed in wherever chance is needed, so that a test can own it. */
export type Random = {
  bytes(count: number): Uint8Array;
  /** URL-safe text that holds `bits` bits of chance. */
  text(bits: number): string;
  /** `length` decimal digits, each equally likely; for codes that a person types. */
  digits(length: number): string;
  /** A whole number from 0 up to, not including, `below`. */
  integer(below: number): number;
};

/** Chance from the operating system. */
export const systemRandom: Random = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  text: (bits) => randomBytes(Math.ceil(bits / 8)).toString('base64url'),
  digits: (length) => Array.from({ length }, () => randomInt(10)).join(''),
  integer: (below) => randomInt(below),
};
