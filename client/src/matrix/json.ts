/** What JSON can say. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

/** Whether an unknown value is a JSON object (and no array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

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
