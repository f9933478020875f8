import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { OutboxRow } from '../../../storage/federation-outbox.ts';

/** What is left of EDUs that tell of a state of things, when only the newest word on each counts. */
export type Collapsed = { gone: OutboxRow[]; changed: OutboxRow[] };

/** One person's receipt in one room. */
type Receipt = { roomId: string; kind: string; userId: string; value: JsonObject };
/** Most receipts that are kept for one server, and how many go into one EDU. */
const MAX_RECEIPTS = 5_000;
const MAX_RECEIPTS_PER_EDU = 100;

/**
 * Given all such EDUs that wait for a server, oldest first:
 *
 * 1. Of the device list updates of a person the newest is kept. It names one before it that the server never saw, so that it asks for the
 *    whole list. https://spec.matrix.org/latest/server-server-api/#device-management
 * 2. Of new cross-signing keys the newest of each kind.
 * 3. Receipts are put together, the newest of each person, room and thread; beyond a limit the oldest are dropped.
 * 4. Of what is not known here, nothing is dropped.
 */
export function collapseUpdates(rows: readonly OutboxRow[]): Collapsed {
  const gone: OutboxRow[] = [];
  const newest = new Map<string, OutboxRow>();
  const receipts = new Map<string, { receipts: Map<string, Receipt>; rows: OutboxRow[] }>();
  for (const row of rows) {
    const content = readContent(row);
    if (content === undefined) gone.push(row);
    else if (row.eduType === 'm.receipt' || row.eduType === 'chat.blinkchat.delivered') addReceipts(receipts, row, content);
    else {
      const key = keyOf(row.eduType, content); // 1, 2
      const older = key === undefined ? undefined : newest.get(key);
      if (older !== undefined) gone.push(older);
      if (key !== undefined) newest.set(key, row);
    }
  }
  const changed: OutboxRow[] = [];
  for (const group of receipts.values()) putTogether(group, { gone, changed }); // 3
  return { gone, changed };
}

function keyOf(eduType: string, content: JsonObject): string | undefined {
  if (eduType === 'm.device_list_update') return `${eduType} ${content['user_id']}`;
  if (eduType !== 'm.signing_key_update') return undefined;
  return `${eduType} ${content['user_id']} ${'master_key' in content} ${'self_signing_key' in content}`;
}

/** An EDU has one receipt of each user in a room: those of different threads stay apart. */
function addReceipts(
  groups: Map<string, { receipts: Map<string, Receipt>; rows: OutboxRow[] }>,
  row: OutboxRow,
  content: JsonObject,
): void {
  const isRead = row.eduType === 'm.receipt';
  for (const [roomId, ofRoom] of objectsOf(content)) {
    for (const [kind, ofKind] of isRead ? objectsOf(ofRoom) : [['', ofRoom] as const]) {
      for (const [userId, value] of objectsOf(ofKind)) {
        const data = value['data'];
        const thread = isJsonObject(data) ? String(data['thread_id'] ?? '') : '';
        const group = groups.get(`${row.eduType} ${thread}`) ?? { receipts: new Map<string, Receipt>(), rows: [] };
        groups.set(`${row.eduType} ${thread}`, group);
        const key = `${roomId} ${kind} ${userId}`;
        group.receipts.delete(key); // the newest come last
        group.receipts.set(key, { roomId, kind, userId, value });
        if (group.rows.at(-1) !== row) group.rows.push(row);
      }
    }
  }
}

/** Fills the newest EDUs of a group with its receipts; the others are needed no more. */
function putTogether({ receipts, rows }: { receipts: Map<string, Receipt>; rows: OutboxRow[] }, { gone, changed }: Collapsed): void {
  const kept = [...receipts.values()].slice(-MAX_RECEIPTS);
  const needed = Math.ceil(kept.length / MAX_RECEIPTS_PER_EDU);
  if (needed >= rows.length) return;
  gone.push(...rows.slice(0, -needed));
  for (const [index, row] of rows.slice(-needed).entries()) {
    const lot = kept.slice(index * MAX_RECEIPTS_PER_EDU, (index + 1) * MAX_RECEIPTS_PER_EDU);
    changed.push({ ...row, content: JSON.stringify(nest(lot)) });
  }
}

function nest(receipts: readonly Receipt[]): JsonObject {
  const rooms: Record<string, Record<string, JsonObject>> = {};
  const flat: Record<string, JsonObject> = {};
  for (const { roomId, kind, userId, value } of receipts) {
    if (kind === '') flat[roomId] = { ...flat[roomId], [userId]: value };
    else {
      const room = rooms[roomId] ?? {};
      rooms[roomId] = { ...room, [kind]: { ...room[kind], [userId]: value } };
    }
  }
  return { ...flat, ...rooms };
}

function readContent({ content }: OutboxRow): JsonObject | undefined {
  const value: unknown = JSON.parse(content);
  return isJsonObject(value) ? value : undefined;
}

function objectsOf(value: JsonObject): [string, JsonObject][] {
  return Object.entries(value).flatMap(([key, inner]) => (isJsonObject(inner) ? [[key, inner] as [string, JsonObject]] : []));
}
