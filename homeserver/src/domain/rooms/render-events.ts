import type { ClientEvent } from 'federation-spec/api/schemas/events.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listReplacedState } from '../../storage/timeline.ts';
import type { LoadBundles } from './load-bundles.ts';
import { readPdu } from './read-pdu.ts';
import { DUMMY_EVENT } from './room-event.ts';

/** Whom the events are for: their own device's transaction ids are told, and nobody else's. */
export type Reader = { userNid: number; deviceId: string };

export type { ClientEvent };

type Unsigned = NonNullable<ClientEvent['unsigned']>;

export type RenderEvents = (events: readonly StoredEvent[], view: RenderView) => Promise<ClientEvent[]>;

export type RenderView = {
  roomId: string;
  reader?: Reader | undefined;
  /** Up to which position of the log the reader may follow what relates to the events; null for all of it. Left out, relations are not told. */
  bundleUpTo?: number | null | undefined;
  /** The events to which others relate, where the caller knows it already. */
  relatedIds?: ReadonlySet<string> | undefined;
};

type Deps = { database: Database; clock: Clock; loadBundles: LoadBundles };

/** Turns stored events into what clients get, which is not shown events that only merge heads; what they need beside their own text is loaded for all of them at once. */
export function createRenderEvents({ database, clock, loadBundles }: Deps): RenderEvents {
  async function bundlesOf(events: readonly StoredEvent[], { roomId, reader, bundleUpTo, relatedIds }: RenderView) {
    if (bundleUpTo === undefined || reader === undefined) return undefined;
    const now = clock.now();
    return await loadBundles(events, {
      readerNid: reader.userNid,
      upTo: bundleUpTo ?? undefined,
      relatedIds,
      render: (event, bundle = {}) => {
        const unsigned = Object.keys(bundle).length === 0 ? {} : { 'm.relations': bundle };
        return { ...renderEvent(event, { roomId, reader, now, unsigned }) };
      },
    });
  }

  return async function renderEvents(all, view) {
    const { roomId, reader } = view;
    const events = all.filter((event) => event.type !== DUMMY_EVENT);
    const redactionNids = events.flatMap((event) => event.redactedBy ?? []);
    const [replaced, redactions, bundles] = await Promise.all([
      listReplacedState(database.sql, events),
      listEventsByNid(database.sql, redactionNids),
      bundlesOf(events, view),
    ]);
    return events.map((event) => {
      const unsigned: Unsigned = {};
      const earlier = replaced.get(event.eventNid);
      if (earlier !== undefined) {
        unsigned.prev_content = readPdu(earlier.json).content;
        unsigned.replaces_state = earlier.eventId;
      }
      const redaction = redactions.find((candidate) => candidate.eventNid === event.redactedBy);
      if (redaction !== undefined) {
        unsigned.redacted_because = renderEvent(redaction, { roomId, reader, now: clock.now() });
      }
      const bundle = bundles?.get(event.eventId);
      if (bundle !== undefined) unsigned['m.relations'] = bundle;
      return renderEvent(event, { roomId, reader, now: clock.now(), unsigned });
    });
  };
}

type View = { roomId: string; reader?: Reader | undefined; now: number; unsigned?: Unsigned };

/** One event, from its own text alone. */
export function renderEvent(event: StoredEvent, { roomId, reader, now, unsigned = {} }: View): ClientEvent {
  const pdu = readPdu(event.json);
  const isOwn = event.deviceId !== null && event.deviceId === reader?.deviceId && event.senderNid === reader.userNid;
  const transactionId = isOwn ? event.txnPath?.slice(event.txnPath.lastIndexOf('/') + 1) : undefined;
  const redacts = pdu.type === 'm.room.redaction' ? (pdu.redacts ?? pdu.content['redacts']) : undefined;
  const isContentLacking = typeof redacts === 'string' && pdu.content['redacts'] === undefined && isJsonObject(pdu.content);
  return {
    type: pdu.type,
    content: isContentLacking ? { ...pdu.content, redacts } : pdu.content,
    sender: pdu.sender,
    event_id: event.eventId,
    origin_server_ts: pdu.origin_server_ts,
    room_id: roomId,
    ...(pdu.state_key === undefined ? {} : { state_key: pdu.state_key }),
    ...(typeof redacts === 'string' ? { redacts } : {}),
    unsigned: {
      ...unsigned,
      age: Math.max(0, now - pdu.origin_server_ts),
      ...(transactionId === undefined ? {} : { transaction_id: transactionId }),
    },
  };
}
