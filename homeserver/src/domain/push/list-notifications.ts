import type { PushAction } from 'federation-spec/push-rules/push-rule.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { listCountedEvents, listNotedEvents, type NotifiedEvent } from '../../storage/notified-events.ts';
import { findRoomIds } from '../../storage/rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { ClientEvent, Reader, RenderEvents } from '../rooms/render-events.ts';
import { NOTIFYING_TYPES, notifiesByDefault } from '../rooms/room-event.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { OwnEvents } from './own-events.ts';
import type { RecallActions } from './recall-actions.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** How often it is gone further back for a page, when events on the way notify nobody. */
const MAX_ROUNDS = 5;

export type NotificationEntry = { event: ClientEvent; roomId: string; read: boolean; ts: number; actions: PushAction[] };
export type NotificationPage = { entries: NotificationEntry[]; nextToken?: string };
export type ListNotifications = (
  reader: Reader,
  request: { from?: string | undefined; limit?: number | undefined; highlightsOnly: boolean },
) => Promise<NotificationPage>;

type Deps = {
  database: Database;
  renderEvents: RenderEvents;
  loadReadMarks: OwnEvents['loadReadMarks'];
  recallActions: RecallActions;
  caughtUp: () => Promise<unknown>;
};

/** What a user was notified of, newest first. https://spec.matrix.org/latest/client-server-api/#listing-notifications */
export function createListNotifications({ database, renderEvents, loadReadMarks, recallActions, caughtUp }: Deps): ListNotifications {
  const { sql } = database;
  return async function listNotifications(reader, { from, limit: wanted = DEFAULT_LIMIT, highlightsOnly }) {
    const { userNid } = reader;
    const limit = Math.min(Math.max(wanted, 1), MAX_LIMIT);
    const before = from === undefined ? Number.MAX_SAFE_INTEGER : Number(from);
    if (!Number.isSafeInteger(before) || before < 0) throw invalidParam(`${from} is no token of this list.`);
    await caughtUp();

    const found: NotifiedEvent[] = [];
    let walkedTo: number | undefined = before;
    for (let round = 0; round < MAX_ROUNDS && found.length < limit && walkedTo !== undefined; round += 1) {
      const page = await walk({ userNid, before: walkedTo, limit: limit - found.length, highlightsOnly });
      found.push(...page.shown);
      walkedTo = page.walkedTo;
    }
    return { entries: await render(reader, found), ...(walkedTo === undefined ? {} : { nextToken: String(walkedTo) }) };
  };

  /** One step back. `walkedTo` is undefined at the beginning of all time. */
  async function walk(range: { userNid: number; before: number; limit: number; highlightsOnly: boolean }) {
    const [noted, counted] = await Promise.all([
      listNotedEvents(sql, range),
      range.highlightsOnly ? [] : listCountedEvents(sql, { ...range, types: [...NOTIFYING_TYPES] }),
    ]);
    const walked = [...noted, ...counted].sort((a, b) => positionOf(b.event) - positionOf(a.event)).slice(0, range.limit);
    const last = walked.at(-1);
    return {
      shown: walked.filter((entry) => noted.includes(entry) || notifiesByDefault(readPdu(entry.event.json))),
      walkedTo: last === undefined || walked.length < range.limit ? undefined : positionOf(last.event),
    };
  }

  async function render(reader: Reader, notified: readonly NotifiedEvent[]): Promise<NotificationEntry[]> {
    const roomNids = [...new Set(notified.map(({ event }) => event.roomNid))];
    const [marks, roomIds] = await Promise.all([loadReadMarks(reader.userNid, roomNids), findRoomIds(sql, roomNids)]);
    const entries: NotificationEntry[] = [];
    for (const entry of notified) {
      const { event, thread } = entry;
      const roomId = roomIds.get(event.roomNid);
      const [rendered] = roomId === undefined ? [] : await renderEvents([event], { roomId, reader });
      if (rendered === undefined || roomId === undefined) continue;
      const read = marks.some(
        (mark) => mark.roomNid === event.roomNid && (mark.thread === '' || mark.thread === thread) && mark.position >= positionOf(event),
      );
      entries.push({ event: rendered, roomId, read, ts: event.originServerTs, actions: await recallActions(reader.userNid, entry) });
    }
    return entries;
  }
}
