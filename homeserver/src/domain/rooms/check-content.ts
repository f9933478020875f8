import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { badJson } from '../../platform/matrix-error.ts';

/** What a message cannot do without: text at these keys. */
const MESSAGE_TEXTS = ['msgtype', 'body'] as const;
/** What is text where it is given; a room without one has none. */
const TEXTS: ReadonlyMap<string, string> = new Map([
  ['m.room.name', 'name'],
  ['m.room.topic', 'topic'],
]);
/** What means something as state only. */
const STATE_ONLY: ReadonlySet<string> = new Set([
  'm.room.name',
  'm.room.topic',
  'm.room.power_levels',
  'm.room.tombstone',
  'm.room.retention',
]);

/**
 * Refuses what a client of ours has put together so that others could make nothing of it. What comes from other servers is not held to
 * this: the auth rules are all that rooms agree on.
 * https://spec.matrix.org/latest/client-server-api/#events
 *
 * @throws M_BAD_JSON
 */
export function checkContent({ type, stateKey, content }: { type: string; stateKey?: string | undefined; content: JsonObject }): void {
  if (stateKey === undefined && STATE_ONLY.has(type)) throw badJson(`${type} is state: set it with PUT …/state/${type}.`);
  for (const key of type === 'm.room.message' ? MESSAGE_TEXTS : []) {
    if (typeof content[key] !== 'string') throw badJson(`The content of ${type} needs ${key}, a text.`);
  }
  const text = content[TEXTS.get(type) ?? ''] ?? '';
  if (TEXTS.has(type) && typeof text !== 'string') throw badJson(`The ${TEXTS.get(type)} of ${type} is a text.`);
  const mentions = content['m.mentions'];
  if (mentions === undefined) return;
  if (!isJsonObject(mentions)) throw badJson('m.mentions is an object.');
  const { room } = mentions;
  if (room !== undefined && typeof room !== 'boolean') throw badJson('m.mentions.room is true or false.');
}
