import { type RoomEventFilter, RoomEventFilterSchema } from 'federation-spec/api/schemas/filters.ts';
import { Compile } from 'typebox/compile';
import { invalidParam } from '../../platform/matrix-error.ts';

const schema = Compile(RoomEventFilterSchema);

/** Reads the `filter` parameter of /messages and /context: the JSON of a filter. Throws M_INVALID_PARAM. */
export function readEventFilter(text: string | undefined): RoomEventFilter | undefined {
  return text === undefined ? undefined : parseFilter(text);
}

function parseFilter(text: string): RoomEventFilter {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidParam(`filter is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  if (!schema.Check(value)) throw invalidParam('filter is not a room event filter');
  return value;
}
