import { type Static, type TSchema, Type } from 'typebox';
import type { JsonObject } from '../../events/event.ts';

/**
 * An object with any keys, whose values all fit `values`. The plain `Type.Record(Type.String(), …)` is not for input:
 * its key pattern `^.*$` skips keys that hold a line break, and their values with them.
 */
export function mapOf<Values extends TSchema>(values: Values) {
  return Type.Record(Type.String({ pattern: '^' }), values);
}

/** A list that may be left out; servers in use write `null` for one that is empty. */
export function listOrNothing<Item extends TSchema>(item: Item) {
  return Type.Optional(Type.Union([Type.Array(item), Type.Null()]));
}

/** Any JSON object. */
export const JsonObjectSchema = Type.Unsafe<JsonObject>(mapOf(Type.Unknown()));

/** An answer that says no more than "done". */
export const EmptySchema = Type.Object({});
export type Empty = Static<typeof EmptySchema>;
