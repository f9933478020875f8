import type { ClientEvent } from 'federation-spec/api/schemas/events.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listHoldersBefore } from '../../storage/states-before.ts';
import { listReplacedState } from '../../storage/timeline.ts';
import { DELAYED_DEVICE, DELAYED_PATH } from './delayed-transaction.ts';
import type { ErasedUsers } from './erased-users.ts';
import type { LoadBundles } from './load-bundles.ts';
import { readPdu } from './read-pdu.ts';
import type { RetentionPolicies } from './retention-policies.ts';
import { isForClients } from './room-event.ts';
import type { Sight } from './seen-relations.ts';
import { stickyMsOf } from './sticky/sticky-of.ts';

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
  /** How the reader stood to the room at each event, where that is told. */
  membershipAt?: ((event: StoredEvent) => string) | undefined;
  /** What of the room the reader may see, for what relates to the events; left out, all of it. */
  sight?: Sight | undefined;
};

type Deps = {
  database: Database;
  clock: Clock;
  loadBundles: LoadBundles;
  erasedUsers: Pick<ErasedUsers, 'hide'>;
  retention: Pick<RetentionPolicies, 'isExpired'>;
};

/** Events of several rooms, each with how they are looked at. */
export type RenderGroups = (groups: readonly { events: readonly StoredEvent[]; view: RenderView }[]) => Promise<ClientEvent[][]>;

/** Turns stored events into what clients get, which is not shown events that only merge heads or that have had their time; what they need beside their own text is loaded for all of them, of whatever rooms, at once. */
export function createRenderGroups({ database, clock, loadBundles, erasedUsers, retention }: Deps): RenderGroups {
  const isShown = (event: StoredEvent): boolean => isForClients(event) && !retention.isExpired(event);

  /** What somebody said who is erased is shown to who was there. */
  function seenBy({ membershipAt }: RenderView, event: StoredEvent): StoredEvent {
    return membershipAt === undefined || membershipAt(event) === 'join' ? event : erasedUsers.hide(event);
  }

  /** Of rooms that are looked at up to the same position, together. */
  async function loadAllBundles(groups: Parameters<RenderGroups>[0]): Promise<ReadonlyMap<string, JsonObject>> {
    const bundles = new Map<string, JsonObject>();
    const now = clock.now();
    const byEnd = Map.groupBy(groups, ({ view: { bundleUpTo, reader } }) => (reader === undefined ? undefined : bundleUpTo));
    for (const [upTo, ofEnd] of byEnd) {
      const reader = ofEnd[0]?.view.reader;
      if (upTo === undefined || reader === undefined) continue;
      const views = new Map(ofEnd.flatMap(({ events, view }) => events.slice(0, 1).map(({ roomNid }) => [roomNid, view])));
      const loaded = await loadBundles(
        ofEnd.flatMap(({ events }) => events),
        {
          readerNid: reader.userNid,
          upTo: upTo ?? undefined,
          relatedIds: joinSets(ofEnd.map(({ view }) => view.relatedIds)),
          sightOf: (roomNid) => views.get(roomNid)?.sight,
          render: (event, bundle = {}) => {
            const unsigned = Object.keys(bundle).length === 0 ? {} : { 'm.relations': bundle };
            const view = views.get(event.roomNid) ?? { roomId: '' };
            return { ...renderEvent(seenBy(view, event), { roomId: view.roomId, reader, now, unsigned }) };
          },
        },
      );
      for (const [eventId, bundle] of loaded) bundles.set(eventId, bundle);
    }
    return bundles;
  }

  /** What each state event replaced. Where the log does not tell, the state before it is asked. */
  async function findReplaced(events: readonly StoredEvent[]): Promise<Map<number, { eventId: string; json: string }>> {
    const apart = events.filter((event) => event.keyNid !== null && standsApart(event));
    const [replaced, holders] = await Promise.all([
      listReplacedState(database.sql, events),
      listHoldersBefore(
        database.sql,
        apart.map(({ eventNid, type, json }) => ({ eventNid, type, stateKey: readPdu(json).state_key ?? '' })),
      ),
    ]);
    for (const { eventNid, holderId, json } of holders) replaced.set(eventNid, { eventId: holderId, json });
    return replaced;
  }

  return async function renderGroups(all) {
    const groups = all.map(({ events, view }) => ({ events: events.filter(isShown), view }));
    const shown = groups.flatMap(({ events }) => events);
    const [replaced, redactions, bundles] = await Promise.all([
      findReplaced(shown),
      listEventsByNid(
        database.sql,
        shown.flatMap((event) => event.redactedBy ?? []),
      ),
      loadAllBundles(groups),
    ]);
    const redactionOf = new Map(redactions.map((redaction) => [redaction.eventNid, redaction]));
    const now = clock.now();
    return groups.map(({ events, view }) =>
      events.map((stored) => {
        const { roomId, reader, membershipAt } = view;
        const event = seenBy(view, stored);
        const unsigned: Unsigned = {};
        const earlier = replaced.get(event.eventNid);
        if (earlier !== undefined) {
          const { content, sender } = readPdu(earlier.json);
          unsigned.prev_content = content;
          unsigned.prev_sender = sender;
          unsigned.replaces_state = earlier.eventId;
        }
        const redaction = event.redactedBy === null ? undefined : redactionOf.get(event.redactedBy);
        if (redaction !== undefined) unsigned.redacted_because = renderEvent(redaction, { roomId, reader, now });
        const bundle = bundles.get(event.eventId);
        if (bundle !== undefined) unsigned['m.relations'] = bundle;
        if (membershipAt !== undefined) unsigned.membership = membershipAt(event);
        return renderEvent(event, { roomId, reader, now, unsigned });
      }),
    );
  };
}

export function createRenderEvents(renderGroups: RenderGroups): RenderEvents {
  return async (events, view) => (await renderGroups([{ events, view }]))[0] ?? [];
}

/** It has no position in the log; or it is the join by which a room came here: the state before that was nobody's current state here. */
function standsApart({ position, basePos, baseSnapshot }: StoredEvent): boolean {
  return position === null || baseSnapshot !== null || (basePos !== null && basePos >= position);
}

/** Undefined when one of the sets is. */
function joinSets(sets: readonly (ReadonlySet<string> | undefined)[]): ReadonlySet<string> | undefined {
  const joined = new Set<string>();
  for (const set of sets) {
    if (set === undefined) return undefined;
    for (const item of set) joined.add(item);
  }
  return joined;
}

type View = { roomId: string; reader?: Reader | undefined; now: number; unsigned?: Unsigned };

/** One event, from its own text alone. */
export function renderEvent(event: StoredEvent, { roomId, reader, now, unsigned = {} }: View): ClientEvent {
  const pdu = readPdu(event.json);
  const isOwn = event.deviceId !== null && event.deviceId === reader?.deviceId && event.senderNid === reader.userNid;
  const transactionId = isOwn ? event.txnPath?.slice(event.txnPath.lastIndexOf('/') + 1) : undefined;
  const delayId =
    event.deviceId === DELAYED_DEVICE && event.senderNid === reader?.userNid ? event.txnPath?.slice(DELAYED_PATH.length) : undefined;
  const stickyMs = stickyMsOf(pdu);
  const stickyLeftMs = stickyMs === undefined ? 0 : Math.min(pdu.origin_server_ts, now) + stickyMs - now;
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
    ...(stickyMs === undefined ? {} : { msc4354_sticky: { duration_ms: stickyMs } }),
    unsigned: {
      ...(stickyLeftMs > 0 ? { msc4354_sticky_duration_ttl_ms: stickyLeftMs } : {}),
      ...unsigned,
      age: Math.max(0, now - pdu.origin_server_ts),
      ...(transactionId === undefined ? {} : { transaction_id: transactionId }),
      ...(delayId === undefined ? {} : { 'org.matrix.msc4140.delay_id': delayId }),
    },
  };
}
