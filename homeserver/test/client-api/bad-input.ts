import { type Endpoint, listPaths } from 'federation-spec/api/endpoint.ts';
import type { TObject, TSchema } from 'typebox';

type Json = Record<string, unknown>;

/** Values that no endpoint should fall over, whatever it takes. */
export const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e308,
  2 ** 53 + 2,
  '',
  'x'.repeat(10_000),
  '__proto__',
  '\u0000',
  '\ud800',
  '🏴‍☠️%00%ff/../..',
  "'; drop table events; --",
  '!:',
  '@:',
  [],
  [[]],
  [null, 1, {}],
  {},
  { __proto__: 1, constructor: {}, '': '' },
  JSON.parse('{"__proto__":{"x":1}}'),
  nest(90),
  nest(200),
];

/** The values that are tried at places further down: one of each kind. */
export const HOSTILE_KINDS: readonly unknown[] = [null, -1, 1e308, 'x'.repeat(1_000), '\u0000', [], [null, {}], {}];

/** Texts for paths and queries. A lone surrogate cannot be said there, its bytes can. */
export const HOSTILE_TEXTS: readonly string[] = [
  '%00',
  '%ED%A0%80',
  '%FF',
  '__proto__',
  '-1',
  '1.5',
  '999999999999999999999',
  'x'.repeat(2_000),
  "'%3B--",
  '%F0%9F%8F%B4',
  '..',
  '!',
  '@',
  '%23',
  '$',
  '{}',
  '%2F',
];

function nest(depth: number): unknown {
  let value: unknown = {};
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** A path with its parameters filled in, percent-encoded already. */
export function fillPath(endpoint: Endpoint, params: Readonly<Record<string, string>>): string {
  const [path = ''] = listPaths(endpoint);
  return path.replace(/:([A-Za-z0-9]+)/g, (_whole, name: string) => params[name] ?? 'x');
}

export function isJsonBody(endpoint: Endpoint): endpoint is Endpoint<TObject, TObject, TSchema> {
  return endpoint.body !== 'raw' && endpoint.method !== 'GET';
}

/** The keys that a body schema names, with what each may be. */
export function propertiesOf(schema: TSchema | 'raw'): Record<string, TSchema> {
  const properties = typeof schema === 'object' && 'properties' in schema ? schema.properties : undefined;
  return (properties ?? {}) as Record<string, TSchema>;
}

export function requiredOf(schema: TSchema | 'raw'): string[] {
  const required = typeof schema === 'object' && 'required' in schema ? schema.required : undefined;
  return Array.isArray(required) ? required.map(String) : [];
}

/** A value of the plainest kind that a schema takes; with `isFull`, with everything that it may have. */
export function plainValueOf(schema: TSchema, isFull = false): unknown {
  const { type, anyOf, allOf, items, pattern, enum: values, const: constant } = schema as SchemaParts;
  if (constant !== undefined) return constant;
  if (values !== undefined) return values[0];
  if (anyOf?.[0] !== undefined) return plainValueOf(anyOf[0], isFull);
  if (allOf !== undefined) return Object.assign({}, ...allOf.map((part) => plainValueOf(part, isFull)));
  if (type === 'string') return PLAIN_TEXTS.find((text) => pattern === undefined || new RegExp(pattern).test(text)) ?? 'x';
  if (type === 'integer' || type === 'number') return 1;
  if (type === 'boolean') return false;
  if (type === 'array') return isFull && items !== undefined ? [plainValueOf(items, isFull)] : [];
  const keys = isFull ? Object.keys(propertiesOf(schema)) : requiredOf(schema);
  return Object.fromEntries(keys.map((key) => [key, plainValueOf(propertiesOf(schema)[key] ?? {}, isFull)]));
}

/** One of each kind of text that an endpoint asks for. */
const PLAIN_TEXTS = ['x', '1', 'true', '@a:hs.test', '!a:hs.test', '#a:hs.test', '$a'];

type SchemaParts = {
  type?: string;
  pattern?: string;
  anyOf?: TSchema[];
  allOf?: TSchema[];
  items?: TSchema;
  enum?: unknown[];
  const?: unknown;
};

/** Every place below a value, as the keys that lead there. */
export function listPlaces(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [[...path, key], ...listPlaces(item, [...path, key])]);
}

/** A copy of a value with something else at one place. */
export function replaceAt(value: unknown, [key, ...rest]: readonly string[], replacement: unknown): unknown {
  if (key === undefined) return replacement;
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? replaceAt(item, rest, replacement) : item));
  const object = (value ?? {}) as Json;
  return { ...object, [key]: replaceAt(object[key], rest, replacement) };
}
