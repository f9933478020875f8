import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import type { Database } from '../../storage/database.ts';
import { listJoinedMembers } from '../../storage/memberships.ts';
import type { HotRoom } from './hot-room.ts';
import { DUMMY_EVENT } from './room-event.ts';
import type { SendEvent } from './send-event.ts';

/** With more heads than this a room is merged: each further one makes every event that comes dearer to judge. */
const MAX_HEADS = 10;
/** One merging event takes up ten heads; what one batch brings needs no more than this. */
const MAX_MERGES = 10;

/** Sends events that build upon the heads of a room and say nothing, until there are few of them. */
export type MergeHeads = (room: HotRoom) => Promise<void>;

/** Nothing is sent when no user of this server has the power to: another server will. */
export function createMergeHeads({ database, sendEvent }: { database: Database; sendEvent: SendEvent }): MergeHeads {
  return async function mergeHeads(room) {
    if (room.heads.length <= MAX_HEADS || room.localJoined.size === 0) return;
    const members = await listJoinedMembers(database.sql, room.nid, { localOnly: true });
    const required = requiredPowerLevel({ type: DUMMY_EVENT, stateKey: undefined }, room, room.rules);
    const sender = members.find((member) => powerLevelOf(member.userId, room, room.rules) >= required);
    for (let merges = 0; sender !== undefined && room.heads.length > MAX_HEADS && merges < MAX_MERGES; merges += 1) {
      const { userId, userNid } = sender;
      await sendEvent({ roomId: room.roomId, sender: userId, senderNid: userNid, type: DUMMY_EVENT, content: {} });
    }
  };
}
