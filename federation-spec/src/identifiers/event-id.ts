import { isIdText, splitId } from './split-id.ts';

/** An event id taken apart. From room version 3 on it names no server: it is a hash, in either alphabet of base64. */
export type EventId = { opaqueId: string; serverName?: string };

const HASH = /^(?:[A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})$/;

/**
 * Parses an event id of any room version.
 *
 * https://spec.matrix.org/latest/appendices/#event-ids
 */
export function parseEventId(text: string): EventId | undefined {
  if (!text.includes(':')) return isIdText(text, '$') && HASH.test(text.slice(1)) ? { opaqueId: text.slice(1) } : undefined;
  const parts = splitId(text, '$');
  return parts === undefined ? undefined : { opaqueId: parts.localpart, serverName: parts.serverName };
}
