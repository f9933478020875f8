import type { JsonObject } from '../events/event.ts';

const texts = new WeakMap<object, string>();

/** Arithmetic takes an exact number for the nearest number; `JSON.stringify` writes it as it is where the engine can (`JSON.rawJSON`). */
const prototype = {
  valueOf(): number {
    return Number(texts.get(this));
  },
  toString(): string {
    return texts.get(this) ?? '';
  },
  toJSON(): unknown {
    const text = texts.get(this) ?? 'null';
    const rawJson: unknown = Reflect.get(JSON, 'rawJSON');
    return typeof rawJson === 'function' ? rawJson(text) : Number(text);
  },
};

/**
 * A number that a JavaScript number would not give back as it was written: `1.0`, or an integer beyond 2^53.
 *
 * Events of room versions 1 to 5 may hold such numbers, and their hashes cover how they are written. `readJson` yields them only when
 * asked for exact numbers. To types they are an empty object, which no rule takes for a number by mistake; `encodeCanonicalJson` writes
 * them back exactly; `numberOf` gives the nearest number. They do not survive `structuredClone`: send text to a worker.
 */
export function exactNumber(text: string): JsonObject {
  const number: JsonObject = Object.create(prototype);
  texts.set(number, text);
  return Object.freeze(number);
}

/** How an exact number is written, or `undefined` when the object is none. */
export function exactNumberText(value: object): string | undefined {
  return texts.get(value);
}

/** The value as a number, whether it is a number or an exact one; `undefined` when it is neither. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const text = texts.get(value);
  return text === undefined ? undefined : Number(text);
}

/**
 * The value as an integer of any size; `undefined` when it is none, or is known to have been written with a point or an exponent.
 */
export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  const text = typeof value === 'object' && value !== null ? texts.get(value) : undefined;
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}
