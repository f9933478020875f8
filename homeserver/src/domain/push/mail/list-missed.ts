import type { Pdu } from 'federation-spec/events/event.ts';
import type { Database } from '../../../storage/database.ts';
import { listEventsByNid } from '../../../storage/events.ts';
import type { QueuedPush } from '../../../storage/pushers.ts';
import { type HotRoom, MEMBER } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { readPdu } from '../../rooms/read-pdu.ts';
import type { CountUnread } from '../count-unread.ts';
import type { MissedMessage, MissedRoom } from './missed-mail.ts';

/** How many rooms a mail tells of, how many messages of each, and how much of a message. */
const MAX_ROOMS = 10;
const MAX_MESSAGES = 5;
const MAX_TEXT_LENGTH = 300;
const MAX_NAME_LENGTH = 80;

/** What kinds of message are called that are not read out. */
const SENT: Readonly<Record<string, string>> = {
  'm.image': 'sent a picture',
  'm.video': 'sent a video',
  'm.audio': 'sent a sound',
  'm.file': 'sent a file',
  'm.location': 'sent a place',
};

type Deps = { database: Database; rooms: HotRooms; count: CountUnread };

/** What of the waiting notifications their reader has not read meanwhile, room by room. */
export type ListMissed = (userNid: number, queued: readonly QueuedPush[]) => Promise<MissedRoom[]>;

export function createListMissed({ database, rooms, count }: Deps): ListMissed {
  return async function listMissed(userNid, queued) {
    const byRoom = Map.groupBy(queued, ({ roomNid }) => roomNid);
    const counts = await count({ userNid }, [...byRoom.keys()]);
    const missed: MissedRoom[] = [];
    for (const [roomNid, pushes] of byRoom) {
      const unread = counts.get(roomNid);
      const room = await rooms.loadByNid(roomNid);
      // Where nothing is counted the reader is not in the room yet: it is an invite.
      const isRead = unread !== undefined && unread.notifications === 0 && unread.byThread.size === 0;
      if (room === undefined || isRead) continue;
      const events = (
        await listEventsByNid(
          database.sql,
          pushes.map(({ eventNid }) => eventNid),
        )
      ).filter(({ redactedBy }) => redactedBy === null);
      if (events.length === 0) continue;
      const shown = events.toSorted((one, other) => (one.position ?? 0) - (other.position ?? 0)).slice(-MAX_MESSAGES);
      const pdus = shown.map(({ json }) => readPdu(json));
      await rooms.ensureMembers(
        room,
        pdus.map(({ sender }) => sender),
      );
      const messages = pdus.map((pdu) => describe(room, pdu));
      const { roomId } = room;
      missed.push({ roomId, name: nameOf(room, messages), messages, others: events.length - messages.length });
    }
    return missed.slice(0, MAX_ROOMS);
  };
}

function describe(room: HotRoom, { type, sender, content }: Pdu): MissedMessage {
  return { sender: cut(String(room.find(MEMBER, sender)?.content['displayname'] ?? sender), MAX_NAME_LENGTH), text: textOf(type, content) };
}

function textOf(type: string, content: Pdu['content']): string {
  if (type === MEMBER) return content['membership'] === 'invite' ? 'invited you' : 'is here';
  if (type === 'm.room.encrypted') return 'sent an encrypted message';
  const { body, msgtype } = content;
  const kind = typeof msgtype === 'string' && Object.hasOwn(SENT, msgtype) ? SENT[msgtype] : undefined;
  if (kind !== undefined || type !== 'm.room.message' || typeof body !== 'string') return kind ?? 'sent something';
  return cut(body, MAX_TEXT_LENGTH);
}

function nameOf(room: HotRoom, messages: readonly MissedMessage[]): string {
  const name = room.find('m.room.name', '')?.content['name'] ?? room.find('m.room.canonical_alias', '')?.content['alias'];
  if (typeof name === 'string' && name !== '') return cut(name, MAX_NAME_LENGTH);
  return cut(`a room with ${[...new Set(messages.map(({ sender }) => sender))].join(', ')}`, MAX_NAME_LENGTH);
}

/** One line of at most so many characters. */
function cut(text: string, length: number): string {
  const line = [...text.replaceAll(/\s+/g, ' ').trim()];
  return line.length <= length ? line.join('') : `${line.slice(0, length - 1).join('')}…`;
}
