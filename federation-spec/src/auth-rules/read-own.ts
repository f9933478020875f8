import type { JsonObject, JsonValue } from '../events/event.ts';

/**
 * The value of a property that the object itself carries. Keys in events are chosen by strangers: `constructor` or `toString`
 * read plainly would find what every JavaScript object inherits.
 */
export function readOwn(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
