import { invalidParam } from '../../platform/matrix-error.ts';
import type { Sql } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { findPlaceAt, type Place } from '../../storage/timeline.ts';
import { type PositionBounds, parseToken, type Token, type TopologicalToken } from '../streams/token.ts';

/** Most events of one page, and of one side of a context. */
export const MAX_PAGE = 1_000;
export const DEFAULT_PAGE = 10;

const FIRST_PLACE: Place = { topological: 0, eventNid: 0 };
const LAST_PLACE: Place = { topological: Number.MAX_SAFE_INTEGER, eventNid: 0 };

type Start = { place: Place; bounds: PositionBounds };

/** Where a page begins. Throws M_INVALID_PARAM when the text is no token of ours. */
export async function beginAt(sql: Sql, roomNid: number, text: string | undefined, direction: 'b' | 'f'): Promise<Start> {
  if (text === undefined || text === '') return { place: direction === 'b' ? LAST_PLACE : FIRST_PLACE, bounds: {} };
  const token = readPageToken(text);
  if (token.kind === 'topological') return { place: token, bounds: boundsOf(token, direction) };
  const { position } = token;
  if (direction === 'f') return { place: FIRST_PLACE, bounds: { after: position } };
  return { place: (await findPlaceAt(sql, roomNid, position)) ?? FIRST_PLACE, bounds: { upTo: position } };
}

/** Where the pages end: at a place of the room's order, or at a position of the log. */
export function endAt(text: string | undefined, direction: 'b' | 'f'): PositionBounds & { to?: Place } {
  if (text === undefined || text === '') return {};
  const token = readPageToken(text);
  if (token.kind === 'topological') return { to: token };
  return direction === 'b' ? { after: token.position } : { upTo: token.position };
}

/** The place behind a page. */
export function placeAfter(events: readonly StoredEvent[], direction: 'backwards' | 'forwards'): Place | undefined {
  const last = events.at(-1);
  if (last === undefined) return undefined;
  return { topological: last.topological, eventNid: direction === 'backwards' ? last.eventNid - 1 : last.eventNid };
}

function readPageToken(text: string): Token {
  const token = parseToken(text);
  if (token === undefined) throw invalidParam(`${text} is no pagination token of this server.`);
  return token;
}

/** Who turns round reads what lies on the way back, whatever it was that began the way. */
function boundsOf({ bounds }: TopologicalToken, direction: 'b' | 'f'): PositionBounds {
  if (direction === 'f') return bounds?.after === undefined ? {} : { after: bounds.after };
  return bounds?.upTo === undefined ? {} : { upTo: bounds.upTo };
}
