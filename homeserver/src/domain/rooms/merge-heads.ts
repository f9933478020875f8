import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import type { Database } from '../../storage/database.ts';
import { listJoinedMembers } from '../../storage/memberships.ts';
import type { HotRoom } from './hot-room.ts';
import { MAX_PREV_EVENTS, pickHeads } from './pick-heads.ts';
import type { PrepareEvent } from './prepare-event.ts';
import type { ReceivePdu } from './receive-pdu/receive-pdu.ts';
import { DUMMY_EVENT } from './room-event.ts';

/** One merging event takes up ten heads; what one batch brings needs no more than this. */
const MAX_MERGES = 10;

/** Sends events that build upon the heads of a room and say nothing, until there are few: each further one makes every event dearer to judge. */
export type MergeHeads = (room: HotRoom) => Promise<void>;

type Deps = { database: Database; prepareEvent: PrepareEvent; receivePdu: ReceivePdu; serverName: string };

/**
 * A merging event names some of the heads only, so that the state before it is not the room's: it is taken in like an event of another
 * server, which finds that state, and keeps no more than how it differs. Nothing is sent when no user of this server has the power to:
 * another server will.
 */
export function createMergeHeads({ database, prepareEvent, receivePdu, serverName }: Deps): MergeHeads {
  return async function mergeHeads(room) {
    if (room.heads.length <= MAX_PREV_EVENTS || room.localJoined.size === 0) return;
    const members = await listJoinedMembers(database.sql, room.nid, { localOnly: true });
    const required = requiredPowerLevel({ type: DUMMY_EVENT, stateKey: undefined }, room, room.rules);
    const sender = members.find((member) => powerLevelOf(member.userId, room, room.rules) >= required);
    if (sender === undefined) return;
    const { userId, userNid: senderNid } = sender;
    let refused = 0;
    for (let merges = 0; room.heads.length > MAX_PREV_EVENTS && merges < MAX_MERGES; merges += 1) {
      const prevs = pickHeads(room.heads, refused);
      const { event, head } = await room.turns.take(() =>
        prepareEvent(room, { sender: userId, type: DUMMY_EVENT, content: {} }, { senderNid, prevs }),
      );
      const { outcome, committed } = await receivePdu(
        room,
        { event, eventId: head.eventId },
        { origin: serverName, awaitsPolicyServer: true },
      );
      await committed;
      if (outcome !== 'accepted') refused += 1;
    }
  };
}
