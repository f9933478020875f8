import type { TSchema } from 'typebox';

/**
 * Takes keys out of a request's body that may be left out and are null instead: clients and servers whose language has no "absent" send
 * them so. Null stays where the schema has it, and where any content will do.
 */
export function dropNullOptions(schema: TSchema, body: unknown): void {
  if (!('properties' in schema) || typeof body !== 'object' || body === null || Array.isArray(body)) return;
  const { properties } = schema;
  if (typeof properties !== 'object' || properties === null) return;
  const needed = new Set('required' in schema && Array.isArray(schema.required) ? schema.required : []);
  for (const [key, property] of Object.entries(properties)) {
    if (!Object.hasOwn(body, key)) continue;
    const value: unknown = Reflect.get(body, key);
    if (value !== null) dropNullOptions(property as TSchema, value);
    else if (!needed.has(key) && !mayBeNull(property)) Reflect.deleteProperty(body, key);
  }
}

/** Whether null is one of the values that a schema names. */
function mayBeNull(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  if ('type' in schema) return schema.type === 'null';
  if ('allOf' in schema && Array.isArray(schema.allOf)) return schema.allOf.every(mayBeNull);
  return !('anyOf' in schema) || !Array.isArray(schema.anyOf) || schema.anyOf.some(mayBeNull);
}
