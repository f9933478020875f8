import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import type { JsonValue } from 'federation-spec/events/event.ts';
import { badJson, notJson } from '../../platform/matrix-error.ts';

/** Deeper than any honest request; shallow enough that code which walks a value by recursion is safe. */
const MAX_DEPTH = 100;
/** In a larger body values are counted while it is read: the engine's own parser would read any number of them. */
const LARGE_BYTES = 1024 * 1024;
const MAX_VALUES_OF_LARGE = 500_000;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a JSON body. An empty one counts as `{}`: many clients send none where every key is optional.
 * A `__proto__` key becomes an ordinary property.
 *
 * @throws `M_NOT_JSON` when the bytes are not UTF-8 or not JSON; `M_BAD_JSON` when the value is nested too deeply, or holds text that
 * cannot be stored (NUL, lone surrogates) or a number that is too large
 */
export function readJsonBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  const value = bytes.length > LARGE_BYTES ? readLarge(bytes) : parse(bytes);
  checkValue(value, 0);
  return value;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw notJson('The body is not JSON in UTF-8');
  }
}

function readLarge(bytes: Uint8Array): unknown {
  const read = readJson(bytes, { maxValues: MAX_VALUES_OF_LARGE });
  if (!read.ok) throw notJson(`The body is not JSON: ${read.reason}`);
  return read.value;
}

/**
 * Reads the body of a request that another server signed, as `VerifyOrigin` has it.
 *
 * @throws `M_NOT_JSON`, also for a body of more values than that
 */
export function readSignedBody(bytes: Uint8Array, maxValues: number): JsonValue {
  const read = readJson(bytes, { numbers: 'exact', maxValues });
  if (!read.ok) throw notJson(`The body is not JSON: ${read.reason}`);
  return read.value;
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value === 'string') checkText(value);
  // 1e400 is read as a number that no JSON can say again.
  if (typeof value === 'number' && !Number.isFinite(value)) throw badJson('A number in the body is too large');
  if (typeof value !== 'object' || value === null) return;
  if (depth >= MAX_DEPTH) throw badJson(`The body is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) {
    for (const item of value) checkValue(item, depth + 1);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    checkText(key);
    checkValue(item, depth + 1);
  }
}

function checkText(text: string): void {
  if (!isStorableText(text)) throw badJson('Text may hold neither NUL nor half a surrogate pair');
}

/** Whether PostgreSQL would store a text as it is: it refuses NUL, and replaces lone surrogates in silence. */
export function isStorableText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
