import { Type } from 'typebox';

/*
 * Values in a query string are text. These schemas say what the text must look like, and the readers beside them turn what
 * has passed into numbers, booleans and lists.
 */

const MAX_DIGITS = 15;

/** An integer that a double holds exactly. */
export const QueryIntegerSchema = Type.String({ pattern: `^-?[0-9]{1,${MAX_DIGITS}}$` });

/** A number of things or milliseconds: an integer that is not negative. */
export const QueryCountSchema = Type.String({ pattern: `^[0-9]{1,${MAX_DIGITS}}$` });

export const QueryBooleanSchema = Type.Enum(['true', 'false']);

/** A parameter that may be given more than once. */
export const QueryListSchema = Type.Union([Type.String(), Type.Array(Type.String())]);

/** `"42"` is 42; what is absent stays absent. */
export function readInteger(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number.parseInt(value, 10);
}

/** `"true"` is true, any other text is false; what is absent stays absent. */
export function readBoolean(value: string | undefined): boolean | undefined {
  return value === undefined ? undefined : value === 'true';
}

/** One value is a list of one; what is absent is the empty list. */
export function readList(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
