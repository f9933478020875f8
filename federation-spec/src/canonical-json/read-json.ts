import type { JsonObject, JsonValue } from '../events/event.ts';
import { exactNumber } from './exact-number.ts';
import { formatFloat } from './format-number.ts';
import type { Irregularity, IrregularityKind } from './irregularity.ts';
import { MAX_IRREGULARITIES, MAX_IRREGULARITY_PATH, MAX_JSON_DEPTH, MAX_NUMBER_LENGTH } from './limits.ts';

/** What was read, with everything about it that `JSON.parse` would hide; or why it is no JSON. */
export type ReadJson = { ok: true; value: JsonValue; irregularities: readonly Irregularity[] } | { ok: false; reason: string };

type ReadOptions = {
  /**
   * `plain` (the default) gives every number as a JavaScript number, as `JSON.parse` does. `exact` keeps those that would change
   * as exact numbers (see `exactNumber`): read events so, because the hashes of old room versions cover how numbers are written.
   */
  numbers?: 'plain' | 'exact';
  /** A document with more values (those inside of others, keys not counted) is refused: reading and writing them takes time. */
  maxValues?: number;
};

/**
 * Reads JSON from bytes. Unlike `JSON.parse` it tells what it had to bend: see `Irregularity`. The caller decides by the room version,
 * for events with `checkIrregularities`.
 *
 * Refused are bytes that are not UTF-8, what is not JSON (RFC 8259), and nesting deeper than `MAX_JSON_DEPTH`. Keys such as `__proto__` and
 * `constructor` become ordinary own properties. It never throws.
 */
export function readJson(bytes: Uint8Array, { numbers = 'plain', maxValues = Number.POSITIVE_INFINITY }: ReadOptions = {}): ReadJson {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, reason: 'The bytes are not UTF-8.' };
  }
  const reader = new Reader(text, numbers === 'exact', maxValues);
  try {
    const value = reader.readDocument();
    return { ok: true, value, irregularities: reader.irregularities };
  } catch (error) {
    if (error instanceof NotJson) return { ok: false, reason: error.message };
    throw error;
  }
}

/** How the reader leaves its recursion; it does not get out of `readJson`. */
class NotJson extends Error {}

const SPACE = /[ \t\n\r]*/y;
const PLAIN_CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
/** Integers of so many characters are safe without looking closer. */
const SURELY_SAFE_LENGTH = 15;

class Reader {
  readonly irregularities: Irregularity[] = [];
  readonly #text: string;
  readonly #exact: boolean;
  readonly #path: (string | number)[] = [];
  readonly #maxValues: number;
  #values = 0;
  #at = 0;

  constructor(text: string, exact: boolean, maxValues: number) {
    this.#text = text;
    this.#exact = exact;
    this.#maxValues = maxValues;
  }

  readDocument(): JsonValue {
    const value = this.#readValue();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #readValue(): JsonValue {
    if (++this.#values > this.#maxValues) throw new NotJson(`The JSON holds more than ${this.#maxValues} values.`);
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#readObject();
      case '[':
        return this.#readArray();
      case '"':
        return this.#readString();
      case 't':
        return this.#readWord('true', true);
      case 'f':
        return this.#readWord('false', false);
      case 'n':
        return this.#readWord('null', null);
      default:
        return this.#readNumber();
    }
  }

  #readObject(): JsonObject {
    const object: JsonObject = {};
    this.#enter();
    for (let first = true; ; first = false) {
      this.#skipSpace();
      if (first && this.#take('}')) break;
      const key = this.#readKey();
      this.#path.push(key);
      if (Object.hasOwn(object, key)) this.#note('duplicate-key');
      const value = this.#readValue();
      this.#path.pop();
      // Assigning to __proto__ would change the object's prototype rather than make a property.
      if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      else object[key] = value;
      this.#skipSpace();
      if (this.#take('}')) break;
      if (!this.#take(',')) throw this.#unexpected();
    }
    return object;
  }

  #readKey(): string {
    if (this.#text[this.#at] !== '"') throw this.#unexpected();
    const key = this.#readString();
    this.#skipSpace();
    if (!this.#take(':')) throw this.#unexpected();
    return key;
  }

  #readArray(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#enter();
    for (let first = true; ; first = false) {
      this.#skipSpace();
      if (first && this.#take(']')) break;
      this.#path.push(array.length);
      array.push(this.#readValue());
      this.#path.pop();
      this.#skipSpace();
      if (this.#take(']')) break;
      if (!this.#take(',')) throw this.#unexpected();
    }
    return array;
  }

  #readString(): string {
    const start = this.#at++;
    const plain = this.#match(PLAIN_CHARACTERS)?.[0] ?? '';
    if (this.#take('"')) return plain;
    const value = this.#readEscaped(start);
    if (value.includes('\u0000')) this.#note('nul');
    if (!value.isWellFormed()) this.#note('lone-surrogate');
    return value;
  }

  /** A string in which something is escaped, or wrong: the engine's own parser reads it at once, where a loop here takes its time. */
  #readEscaped(start: number): string {
    const end = this.#findQuote(start);
    if (end === undefined) throw new NotJson('The JSON ends too early.');
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string; // between quotation marks there is nothing else
    } catch {
      throw new NotJson(`The string at character ${start} of the JSON is none.`);
    }
  }

  /** Where the string ends that begins at `start`: at the next quotation mark before which the number of backslashes is even. */
  #findQuote(start: number): number | undefined {
    for (let at = this.#text.indexOf('"', start + 1); at !== -1; at = this.#text.indexOf('"', at + 1)) {
      let before = at;
      while (this.#text[before - 1] === '\\') before--;
      if ((at - before) % 2 === 0) return at;
    }
    return undefined;
  }

  #readNumber(): JsonValue {
    const match = this.#match(NUMBER);
    if (match === null) throw this.#unexpected();
    const [token, fraction, exponent] = match;
    const value = Number(token);
    const isFloat = fraction !== undefined || exponent !== undefined;
    if (!isFloat && token.length <= SURELY_SAFE_LENGTH) {
      if (Object.is(value, -0)) this.#note('negative-zero');
      return value;
    }
    if (!isFloat && Number.isSafeInteger(value)) return value;
    const isKeepable = token.length <= MAX_NUMBER_LENGTH && (Number.isFinite(value) || (this.#exact && !isFloat));
    if (!isKeepable) {
      this.#note('number-out-of-range');
      return value < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    }
    this.#note(isFloat ? 'float' : 'big-integer');
    if (!this.#exact) return value;
    return exactNumber(isFloat ? formatFloat(value) : token);
  }

  #readWord<T extends JsonValue>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected();
    this.#at += word.length;
    return value;
  }

  /** Steps over an opening bracket. The path is as long as the brackets around it. */
  #enter(): void {
    if (this.#path.length >= MAX_JSON_DEPTH) throw new NotJson(`The JSON is nested more than ${MAX_JSON_DEPTH} levels deep.`);
    this.#at++;
  }

  #skipSpace(): void {
    if (this.#text.charCodeAt(this.#at) <= 0x20) this.#match(SPACE);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #note(kind: IrregularityKind): void {
    if (this.irregularities.length >= MAX_IRREGULARITIES)
      throw new NotJson(`The JSON holds more than ${MAX_IRREGULARITIES} irregularities.`);
    this.irregularities.push({ kind, path: this.#path.slice(0, MAX_IRREGULARITY_PATH) });
  }

  #unexpected(): NotJson {
    const found = this.#text[this.#at];
    return new NotJson(
      found === undefined ? 'The JSON ends too early.' : `Unexpected ${JSON.stringify(found)} at character ${this.#at} of the JSON.`,
    );
  }
}
