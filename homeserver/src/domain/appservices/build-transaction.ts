import type { JsonObject } from 'federation-spec/events/event.ts';
import { listAppserviceEvents, type NewTransaction, type QueuedEvent } from '../../storage/appservices.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { findRoomIds } from '../../storage/rooms.ts';
import type { RenderEvents } from '../rooms/render-events.ts';
import type { Appservice } from './appservice.ts';
import type { Dirty } from './dirty.ts';
import type { ListEncryption } from './encryption-part.ts';
import type { ListEphemeral } from './ephemeral-part.ts';

/** Most events in one transaction, and the size of their texts beyond which no more are added. */
const MAX_EVENTS = 100;
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** Up to where a service has been told of what is not a queued event. */
export type Told = { position: number; volatile: number };

export type BuiltTransaction = Omit<NewTransaction, 'txn' | 'appserviceNid'> & {
  told: Told;
  /** There is nothing in it: it is not sent. */
  isEmpty: boolean;
  /** Messages to devices wait that did not fit. */
  isMoreWaiting: boolean;
};

/** Puts together what a service is sent next. */
export type BuildTransaction = (
  appservice: Appservice,
  request: {
    appserviceNid: number;
    told: Told;
    upTo: number;
    /** Whether typing and presence are told now, or later. */
    withVolatile: boolean;
    dirty: Dirty;
  },
) => Promise<BuiltTransaction>;

type Deps = { database: Database; renderEvents: RenderEvents; listEphemeral: ListEphemeral; listEncryption: ListEncryption };

export function createBuildTransaction({ database, renderEvents, listEphemeral, listEncryption }: Deps): BuildTransaction {
  /** The events as clients get them, in the order of the queue; one that is stored no more is left out. */
  async function render(queue: readonly QueuedEvent[], stored: ReadonlyMap<number, StoredEvent>): Promise<JsonObject[]> {
    const rows = queue.flatMap(({ eventNid }) => (eventNid === null ? [] : (stored.get(eventNid) ?? [])));
    const roomIds = await findRoomIds(database.sql, [...new Set(rows.map((row) => row.roomNid))]);
    const rendered = new Map<string, JsonObject>();
    for (const [roomNid, ofRoom] of Map.groupBy(rows, (row) => row.roomNid)) {
      for (const event of await renderEvents(ofRoom, { roomId: roomIds.get(roomNid) ?? '' })) rendered.set(event.event_id, event);
    }
    return queue.flatMap(({ eventNid, invite }): JsonObject[] => {
      if (invite !== null) return [JSON.parse(invite) as JsonObject];
      const row = eventNid === null ? undefined : stored.get(eventNid);
      const event = row === undefined ? undefined : rendered.get(row.eventId);
      return event === undefined ? [] : [event];
    });
  }

  async function takeEvents(appserviceNid: number): Promise<{ events: JsonObject[]; upTo: number }> {
    const waiting = await listAppserviceEvents(database.sql, appserviceNid, MAX_EVENTS);
    const nids = waiting.flatMap(({ eventNid }) => eventNid ?? []);
    const stored = new Map((await listEventsByNid(database.sql, nids)).map((row) => [row.eventNid, row]));
    let bytes = 0;
    const fitting = waiting.filter(({ eventNid, invite }, index) => {
      bytes += (invite ?? (eventNid === null ? undefined : stored.get(eventNid))?.json ?? '').length;
      return index === 0 || bytes <= MAX_EVENT_BYTES;
    });
    return { events: await render(fitting, stored), upTo: fitting.at(-1)?.position ?? 0 };
  }

  return async (appservice, { appserviceNid, told, upTo, withVolatile, dirty }) => {
    const queued = await takeEvents(appserviceNid);
    const ephemeral = appservice.receivesEphemeral
      ? await listEphemeral(appservice, { ...told, upTo, withVolatile })
      : { events: [], toldPosition: upTo, volatile: told.volatile };
    const range = { position: told.position, upTo: ephemeral.toldPosition };
    const encryption = appservice.receivesEncryption
      ? await listEncryption(appservice, { ...range, dirty })
      : { toDevice: [], body: {}, isMoreWaiting: false };
    const body = {
      events: queued.events,
      ...(ephemeral.events.length === 0 ? {} : { ephemeral: ephemeral.events, 'de.sorunome.msc2409.ephemeral': ephemeral.events }),
      ...encryption.body,
    };
    return {
      body: JSON.stringify(body),
      eventsUpTo: queued.upTo,
      toldPosition: ephemeral.toldPosition,
      told: { position: ephemeral.toldPosition, volatile: ephemeral.volatile },
      toDevice: encryption.toDevice,
      isEmpty: queued.events.length === 0 && ephemeral.events.length === 0 && Object.keys(encryption.body).length === 0,
      isMoreWaiting: encryption.isMoreWaiting,
    };
  };
}
