import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { type ReceiptRow, upsertReceipts } from '../../storage/receipts.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Activity } from '../streams/activity.ts';
import type { Log } from '../streams/log.ts';
import type { StreamRow } from '../streams/log-batch.ts';
import { outboxRow } from '../streams/outbox.ts';
import { usersAtCommit } from '../streams/users-at-commit.ts';

/** A receipt on its way into the log. */
export type NewReceipt = ReceiptRow & { userId: string; eventId: string };

type Deps = {
  rooms: HotRooms;
  log: Log;
  /** By room. */
  activity: Activity;
  /** By those of our users who read something. */
  readers: Activity;
  serverName: string;
  /** Whether another server understands `chat.blinkchat.delivered`. */
  isKindred: (serverName: string) => boolean;
};

/**
 * Writes receipts, of whatever rooms, as one row of the log, and queues those of our users for the other servers in their rooms. Who is in a
 * room is woken; by private receipts, only their owner.
 */
export function createAppendReceipts({ rooms, log, activity, readers, serverName, isKindred }: Deps) {
  return async function appendReceipts(receipts: readonly NewReceipt[]): Promise<void> {
    const newest = keepNewest(receipts);
    const users: Iterable<number>[] = [newest.filter((receipt) => receipt.kind === 'private').map((receipt) => receipt.userNid)];
    const edus: StreamRow[] = [];
    for (const [roomNid, ofRoom] of Map.groupBy(newest, (receipt) => receipt.roomNid)) {
      const room = await rooms.loadByNid(roomNid);
      if (room === undefined) continue;
      if (ofRoom.some((receipt) => receipt.kind !== 'private')) users.push(room.localJoined);
      const own = ofRoom.filter((receipt) => serverNameOf(receipt.userId) === serverName);
      const others = [...room.joinedServers.keys()].filter((server) => server !== serverName);
      edus.push(...receiptRows(room, own, others), ...deliveredRows(room, own, others.filter(isKindred)));
    }
    const row: StreamRow = {
      write: (sql, position) => {
        for (const { roomNid, userNid, kind } of newest) {
          activity.wrote(roomNid, position);
          if (kind !== 'delivered') readers.wrote(userNid, position);
        }
        return upsertReceipts(sql, newest, position);
      },
      wakes: {
        users: usersAtCommit(...users),
        readBy: newest.filter((receipt) => receipt.kind !== 'delivered').map((receipt) => receipt.userNid),
      },
    };
    await log.append({ rows: [row, ...edus] });
  };
}

function keepNewest(receipts: readonly NewReceipt[]): NewReceipt[] {
  const newest = new Map<string, NewReceipt>();
  for (const receipt of receipts) {
    const key = `${receipt.roomNid} ${receipt.userNid} ${receipt.kind} ${receipt.thread}`;
    const other = newest.get(key);
    if (other === undefined || other.eventPosition <= receipt.eventPosition) newest.set(key, receipt);
  }
  return [...newest.values()];
}

/** https://spec.matrix.org/latest/server-server-api/#receipts */
function receiptRows(room: HotRoom, receipts: readonly NewReceipt[], destinations: readonly string[]): StreamRow[] {
  // An EDU has one receipt of each user: those in threads go in EDUs of their own.
  const byThread = Map.groupBy(
    receipts.filter((receipt) => receipt.kind === 'read'),
    (receipt) => receipt.thread,
  );
  return [...byThread.values()].flatMap((group) => rowsOf('m.receipt', { [room.roomId]: { 'm.read': byUser(group) } }, destinations));
}

/** The same form for our `chat.blinkchat.delivered`. */
function deliveredRows(room: HotRoom, receipts: readonly NewReceipt[], destinations: readonly string[]): StreamRow[] {
  const delivered = receipts.filter((receipt) => receipt.kind === 'delivered');
  return delivered.length === 0 ? [] : rowsOf('chat.blinkchat.delivered', { [room.roomId]: byUser(delivered) }, destinations);
}

function rowsOf(eduType: string, content: JsonObject, destinations: readonly string[]): StreamRow[] {
  if (destinations.length === 0) return [];
  return [
    outboxRow(
      eduType,
      destinations.map((destination) => ({ destination, content })),
    ),
  ];
}

function byUser(receipts: readonly NewReceipt[]): JsonObject {
  return Object.fromEntries(
    receipts.map(({ userId, eventId, ts, thread }) => [
      userId,
      { event_ids: [eventId], data: { ts, ...(thread === '' ? {} : { thread_id: thread }) } },
    ]),
  );
}
