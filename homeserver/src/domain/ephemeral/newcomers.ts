import { LRUCache } from 'lru-cache';
import { membershipNumber } from '../../storage/memberships.ts';
import { type HotRoom, MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { Committed, LoggedEvent } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { Volatile } from './volatile.ts';

/** How many people are remembered who met others, and how many meetings of each. */
const MAX_PEOPLE = 10_000;
const MAX_MEETINGS = 100;
/** Of how many (room, user) it is remembered that they are there already. */
const MAX_PRESENT = 100_000;
const JOIN = membershipNumber('join');

/** Whom somebody has met: one person who came into a room of theirs, or all of a room that they came into. */
type Meeting = { at: number } & ({ userNid: number } | { roomNid: number });

export type Newcomers = {
  /** Whom a user has met since: people, and rooms full of people. */
  listSince: (userNid: number, volatile: number) => { userNids: number[]; roomNids: number[] };
};

type Deps = {
  rooms: Pick<HotRooms, 'peek'>;
  notifier: Pick<Notifier, 'onCommit'>;
  volatile: Volatile;
  /** Larger rooms are no place where people meet. */
  maxMembers: number;
  /** Called for each of ours who met somebody: what was known of whom they share rooms with is no longer so. */
  forget: (userNid: number) => void;
  /** Called when somebody came into a room; with the room, if it is in memory. */
  met: (newcomer: { userNid: number; userId: string }, room: HotRoom | undefined) => void;
};

/** Notes, in memory, who came to share a room with whom. */
export function createNewcomers({ rooms, notifier, volatile, maxMembers, forget, met }: Deps): Newcomers {
  const meetings = new LRUCache<number, Meeting[]>({ max: MAX_PEOPLE });
  const present = new LRUCache<string, true>({ max: MAX_PRESENT });

  function note(userNid: number, meeting: Meeting): void {
    forget(userNid);
    meetings.set(userNid, [...(meetings.get(userNid) ?? []), meeting].slice(-MAX_MEETINGS));
  }

  function noteJoin({ row, memberships }: LoggedEvent): void {
    const { state_key: userId = '' } = readPdu(row.json);
    const room = rooms.peek(row.roomNid);
    const joined = memberships.filter(({ membership }) => membership === JOIN);
    const members = [...(room?.joinedServers.values() ?? [])].reduce((sum, count) => sum + count, 0);
    if (joined.length > maxMembers || members > maxMembers) return;
    const at = volatile.next();
    for (const { userNid } of joined) {
      note(userNid, { at, roomNid: row.roomNid });
      for (const member of room?.localJoined ?? []) if (member !== userNid) note(member, { at, userNid });
    }
    met({ userNid: row.senderNid, userId }, room);
  }

  /** Who is in a room and has changed their name there is no newcomer. */
  function isArrival({ row, memberships }: LoggedEvent): boolean {
    const own = row.type === MEMBER ? memberships.find(({ userNid }) => userNid === row.senderNid) : undefined;
    for (const { userNid, membership } of memberships) if (membership !== JOIN) present.delete(`${row.roomNid} ${userNid}`);
    if (own?.membership !== JOIN) return false;
    const key = `${row.roomNid} ${row.senderNid}`;
    const isThere = present.has(key);
    present.set(key, true);
    return !isThere;
  }

  notifier.onCommit(({ events }: Committed) => {
    for (const event of events) if (event.memberships.length > 0 && isArrival(event)) noteJoin(event);
  });

  return {
    listSince: (userNid, since) => {
      const recent = (meetings.get(userNid) ?? []).filter(({ at }) => at > since);
      return {
        userNids: recent.flatMap((meeting) => ('userNid' in meeting ? [meeting.userNid] : [])),
        roomNids: recent.flatMap((meeting) => ('roomNid' in meeting ? [meeting.roomNid] : [])),
      };
    },
  };
}
