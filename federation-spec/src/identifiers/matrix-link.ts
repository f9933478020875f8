import { parseRoomAlias } from './room-alias.ts';
import { parseRoomId } from './room-id.ts';
import { parseServerName } from './server-name.ts';
import { isIdText } from './split-id.ts';
import { parseUserId } from './user-id.ts';

/** What a link leads to: a user, or a room (by id or alias) and perhaps one of its events. `via` are servers to ask for it. */
export type MatrixLink = {
  target: { userId: string } | { room: string; eventId?: string };
  via: readonly string[];
  /** What to do there: join the room, or chat with the user. Ask first. */
  action?: 'join' | 'chat';
};

/** No link that somebody made is longer: two identifiers, percent-encoded, and a few servers. */
const MAX_LINK_LENGTH = 8_192;

/** The most servers to ask that a link may name. */
const MAX_VIA = 20;

const MATRIX_TO = /^https?:\/\/(?:www\.)?matrix\.to\/#\//i;
const MATRIX_SCHEME = /^matrix:(?:\/\/[^/?#]*\/)?/i;

/** The sigils behind the words of the `matrix:` scheme; the longer words come from its early days. */
const SIGILS: ReadonlyMap<string, string> = new Map([
  ['u', '@'],
  ['user', '@'],
  ['r', '#'],
  ['room', '#'],
  ['roomid', '!'],
  ['e', '$'],
  ['event', '$'],
]);

/**
 * Reads a `matrix:` URI or a `https://matrix.to/#/` link, encoded or not; `undefined` when it is neither, or leads nowhere.
 *
 * https://spec.matrix.org/latest/appendices/#uris
 */
export function parseMatrixLink(text: string): MatrixLink | undefined {
  if (text.length > MAX_LINK_LENGTH) return undefined;
  const scheme = MATRIX_SCHEME.exec(text)?.[0];
  const matrixTo = MATRIX_TO.exec(text)?.[0];
  if (scheme === undefined && matrixTo === undefined) return undefined;
  const rest = text.slice((scheme ?? matrixTo ?? '').length);
  const [path = '', query = ''] = splitAt(scheme === undefined ? rest : (rest.split('#')[0] ?? ''), '?');
  const ids = scheme === undefined ? readMatrixToPath(path) : readSchemePath(path);
  const target = ids === undefined ? undefined : readTarget(ids);
  return target === undefined ? undefined : { target, ...readQuery(query, target) };
}

/** The `matrix:` URI of a link. */
export function buildMatrixUri({ target, via, action }: MatrixLink): string {
  const query = buildQuery(via, action);
  if ('userId' in target) return `matrix:u/${encodeId(target.userId.slice(1))}${query}`;
  const room = `matrix:${target.room.startsWith('#') ? 'r' : 'roomid'}/${encodeId(target.room.slice(1))}`;
  return `${room}${target.eventId === undefined ? '' : `/e/${encodeId(target.eventId.slice(1))}`}${query}`;
}

/** The `https://matrix.to/#/` URL of a link, which older clients know too. It has no word for the action. */
export function buildMatrixToUrl({ target, via }: MatrixLink): string {
  const query = buildQuery(via, undefined);
  if ('userId' in target) return `https://matrix.to/#/${encodeId(target.userId)}${query}`;
  return `https://matrix.to/#/${encodeId(target.room)}${target.eventId === undefined ? '' : `/${encodeId(target.eventId)}`}${query}`;
}

function readMatrixToPath(path: string): string[] | undefined {
  const [id = '', eventId = ''] = splitAt(path, '/'); // ids of room version 3 bring slashes of their own
  return decodeAll(eventId === '' ? [id] : [id, eventId]);
}

function readSchemePath(path: string): string[] | undefined {
  const segments = decodeAll(path.split('/'));
  if (segments === undefined || segments.length % 2 !== 0) return undefined;
  const ids: string[] = [];
  for (let i = 0; i < segments.length; i += 2) ids.push(`${SIGILS.get(segments[i] ?? '') ?? ''}${segments[i + 1]}`);
  return ids;
}

function readTarget([id = '', eventId, ...more]: string[]): MatrixLink['target'] | undefined {
  if (more.length > 0) return undefined;
  if (parseUserId(id) !== undefined) return eventId === undefined ? { userId: id } : undefined;
  if (parseRoomId(id) === undefined && parseRoomAlias(id) === undefined) return undefined;
  if (eventId === undefined) return { room: id };
  return isIdText(eventId, '$') && eventId.length > 1 ? { room: id, eventId } : undefined;
}

function readQuery(query: string, target: MatrixLink['target']): Pick<MatrixLink, 'via' | 'action'> {
  const parameters = new URLSearchParams(query);
  const via = parameters.getAll('via').filter((serverName) => parseServerName(serverName) !== undefined);
  const meant = 'userId' in target ? 'chat' : 'join';
  return { via: via.slice(0, MAX_VIA), ...(parameters.get('action') === meant ? { action: meant } : {}) };
}

function buildQuery(via: readonly string[], action: MatrixLink['action']): string {
  const items = [...via.map((serverName) => `via=${encodeId(serverName)}`), ...(action === undefined ? [] : [`action=${action}`])];
  return items.length === 0 ? '' : `?${items.join('&')}`;
}

/** Percent-encodes what could be misread, and leaves the colon and the sigils that could not. */
function encodeId(id: string): string {
  return encodeURIComponent(id).replace(/%3A/g, ':').replace(/%40/g, '@').replace(/%24/g, '$');
}

function decodeAll(segments: string[]): string[] | undefined {
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function splitAt(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
