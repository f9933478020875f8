import { readOwn } from '../auth-rules/read-own.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../events/event.ts';

/**
 * Splits `content.m\.relates_to.rel_type` into its property names. A backslash escapes a dot or a backslash; before anything
 * else it stands for itself.
 *
 * https://spec.matrix.org/latest/appendices/#dot-separated-property-paths
 */
export function splitPropertyPath(path: string): string[] {
  const names: string[] = [];
  let name = '';
  for (let at = 0; at < path.length; at += 1) {
    const character = path[at] ?? '';
    const next = path[at + 1];
    if (character === '\\' && (next === '.' || next === '\\')) {
      name += next;
      at += 1;
    } else if (character === '.') {
      names.push(name);
      name = '';
    } else {
      name += character;
    }
  }
  return [...names, name];
}

/** The value at a path of property names; `undefined` when there is none. Arrays are not entered. */
export function readProperty(object: JsonObject, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const name of splitPropertyPath(path)) {
    if (!isJsonObject(value)) return undefined;
    value = readOwn(value, name);
  }
  return value;
}
