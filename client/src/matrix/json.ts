import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';

export { isJsonObject, type JsonObject, type JsonValue };

/** The property as a string, or nothing when it is absent or something else. */
export function stringIn(object: unknown, key: string): string | undefined {
  const value = isJsonObject(object) ? object[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The property as a finite number, or nothing. */
export function numberIn(object: unknown, key: string): number | undefined {
  const value = isJsonObject(object) ? object[key] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The property as an object, or nothing. */
export function objectIn(object: unknown, key: string): JsonObject | undefined {
  const value = isJsonObject(object) ? object[key] : undefined;
  return isJsonObject(value) ? value : undefined;
}

/** The strings of an array property; anything else in it is left out. */
export function stringsIn(object: unknown, key: string): string[] {
  const value = isJsonObject(object) ? object[key] : undefined;
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}
