import type { ClientContext } from '../client-context.ts';
import { createDerivedSignal, type DerivedSignal } from '../observable/derived-signal.ts';
import { isSame } from '../timeline/reuse-unchanged.ts';
import type { RoomRecord } from './room-record.ts';
import type { RoomSummary } from './room-summary.ts';
import { summarizeRoom } from './summarize-room.ts';

type Deps = Pick<ClientContext, 'records' | 'accountData' | 'ownUserId'> & { listOutgoing: ClientContext['queue']['list'] };

export type RoomList = {
  rooms: DerivedSignal<readonly RoomSummary[]>;
  /** The summary of one room, worked out once per change. */
  summaryOf(record: RoomRecord): RoomSummary;
  markChanged(roomId: string): void;
  markAllChanged(): void;
};

/** Summaries of all rooms, the most recently active first. Only what changed is worked out anew. */
export function createRoomList({ records, accountData, ownUserId, listOutgoing }: Deps): RoomList {
  const summaries = new Map<string, RoomSummary>();
  const changed = new Set<string>();

  function summaryOf(record: RoomRecord): RoomSummary {
    const known = summaries.get(record.roomId);
    if (known !== undefined && !changed.has(record.roomId)) return known;
    const summary = summarizeRoom({
      record,
      ownUserId,
      direct: accountData.get('m.direct'),
      pushRules: accountData.get('m.push_rules'),
      outgoing: listOutgoing(record.roomId),
    });
    changed.delete(record.roomId);
    const kept = known !== undefined && isSame(known, summary) ? known : summary;
    summaries.set(record.roomId, kept);
    return kept;
  }

  const rooms = createDerivedSignal<readonly RoomSummary[]>((previous) => {
    const listed = [...records.values()].filter(isListed).map(summaryOf);
    const sorted = listed.sort((a, b) => b.lastActivityMs - a.lastActivityMs || (a.roomId < b.roomId ? -1 : 1));
    const isUnchanged = previous?.length === sorted.length && sorted.every((summary, at) => summary === previous[at]);
    return previous !== undefined && isUnchanged ? previous : sorted;
  });

  return {
    rooms,
    summaryOf,
    markChanged(roomId) {
      changed.add(roomId);
      rooms.invalidate();
    },
    markAllChanged() {
      for (const roomId of records.keys()) changed.add(roomId);
      rooms.invalidate();
    },
  };
}

function isListed({ membership }: RoomRecord): boolean {
  return membership === 'join' || membership === 'invite' || membership === 'knock';
}
