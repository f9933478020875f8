import { type RoomEventFilter, RoomEventFilterSchema } from 'federation-spec/api/schemas/filters.ts';
import { Compile } from 'typebox/compile';
import { passesFilter } from '../../domain/rooms/event-filter.ts';
import type { ClientEvent } from '../../domain/rooms/render-events.ts';
import { invalidParam } from '../../platform/matrix-error.ts';

const schema = Compile(RoomEventFilterSchema);

/** Reads the `filter` parameter of /messages and /context: the JSON of a filter. Throws M_INVALID_PARAM. */
export function readEventFilter(text: string | undefined): ((event: ClientEvent) => boolean) | undefined {
  if (text === undefined) return undefined;
  const filter = parseFilter(text);
  return (event) => passesFilter(event, filter);
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
