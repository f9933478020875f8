import { isJsonObject, type JsonObject } from 'client/matrix/json.ts';

/** The objects of an array property; anything else in it is left out. */
export function objectsIn(object: unknown, key: string): JsonObject[] {
  const value = isJsonObject(object) ? object[key] : undefined;
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
