import { createAuthState } from 'federation-spec/auth-rules/auth-state.ts';
import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { encodeCanonicalJson } from 'federation-spec/canonical-json/encode-canonical-json.ts';
import { listAuthEventIds, listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { insertBackwardExtremities } from '../../storage/backward-extremities.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { membershipNumber } from '../../storage/memberships.ts';
import { abandonPartialRoom, beginPartialRoom } from '../../storage/partial-rooms.ts';
import { findRoomByNid, internRoom } from '../../storage/rooms.ts';
import { insertSnapshot } from '../../storage/state.ts';
import type { Log } from '../streams/log.ts';
import type { LoggedEvent, MembershipChange, Rider } from '../streams/log-batch.ts';
import { FIRST_PLACE_OF_LATE_ROOM, placeBehindGap } from './gap-place.ts';
import { MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Interner } from './interner.ts';
import { readPdu } from './read-pdu.ts';
import type { KnownEvent } from './receive-pdu/auth-states.ts';
import type { CheckedPdu } from './receive-pdu/check-pdu.ts';
import { diffStates, loadStateAt, type NidState } from './receive-pdu/nid-state.ts';
import type { StoreOutliers } from './receive-pdu/store-outliers.ts';

/** A room as another server has handed it to us with a join. All events are checked, none is stored. */
export type JoinedRoom = {
  roomId: string;
  rules: RoomVersionRules;
  join: CheckedPdu;
  /** The state before the join. */
  state: readonly CheckedPdu[];
  authChain: readonly CheckedPdu[];
  /** When the memberships of most others were left out: who gave the room, and the servers said to be in it. */
  partial?: { resident: string; servers: readonly string[] } | undefined;
};

/** Makes the room ours: its state, its members and the join become visible in one append. Throws when that state does not allow the join. */
export type TakeJoinedRoom = (room: JoinedRoom) => Promise<void>;

type Deps = { database: Database; log: Log; rooms: HotRooms; interner: Interner; storeOutliers: StoreOutliers; serverName: string };

export function createTakeJoinedRoom({ database, log, rooms, interner, storeOutliers, serverName }: Deps): TakeJoinedRoom {
  const { sql } = database;

  async function take(room: JoinedRoom): Promise<void> {
    const { roomId, rules, join } = room;
    const roomNid = await internRoom(sql, roomId, rules.version);
    const known = await storeOutliers({ roomNid, roomId, rules }, [...room.authChain, ...room.state]);
    const accepted = room.state.flatMap((pdu) => known.get(pdu.eventId) ?? []).filter((event) => event.kind !== 'rejected');
    const authEvents = listAuthEventIds(join.event).flatMap((id) => known.get(id) ?? []);
    const ownAuth = room.partial === undefined ? [] : authEvents.filter((event) => event.kind !== 'rejected');
    const verdict = checkAuthRules(join.event, createAuthState([...ownAuth, ...accepted].map((event) => event.event)), rules);
    if (!verdict.allowed) throw new Error(`the state of ${roomId} does not allow the join: ${verdict.reason}`);

    const hot = await rooms.load(roomId);
    const topological =
      hot === undefined ? FIRST_PLACE_OF_LATE_ROOM : placeBehindGap(Math.max(...hot.heads.map((head) => head.topological)));
    // How the user stood to the room is known also where the memberships are left out: it is what lets them in.
    const own = ownAuth.filter(({ event }) => event.type === MEMBER && event.state_key === join.event.state_key);
    const before = await toNidState([...own, ...accepted]);
    const logged = await toLogged(roomNid, join, before, { accepted, auth: authEvents, topological });
    const prevIds = listPrevEventIds(join.event);
    const append = () =>
      log.append({
        events: [logged],
        riders: [
          (tx) =>
            insertBackwardExtremities(
              tx,
              roomNid,
              prevIds.map((eventId) => ({ eventId, topological })),
            ),
          ...partialRiders(roomNid, logged, { partial: room.partial, wasPartial: hot?.isPartial === true }),
        ],
      });
    if (hot === undefined) await append();
    else await hot.turns.take(append);
    rooms.evict(roomNid);
  }

  async function toNidState(events: readonly KnownEvent[]): Promise<NidState> {
    const stateful = events.filter(({ event }) => event.state_key !== undefined);
    const keyNids = await interner.keyNids(stateful.map(({ event }) => ({ type: event.type, stateKey: event.state_key ?? '' })));
    return new Map(stateful.map((event, index) => [keyNids[index] ?? 0, event.eventNid]));
  }

  async function toLogged(
    roomNid: number,
    { event, eventId }: CheckedPdu,
    before: NidState,
    { accepted, auth, topological }: { accepted: readonly KnownEvent[]; auth: readonly KnownEvent[]; topological: number },
  ): Promise<LoggedEvent> {
    const eventNid = interner.nextEventNid();
    const keyNid = await interner.keyNid(MEMBER, event.state_key ?? '');
    await log.drained();
    const current = await loadStateAt(sql, roomNid, log.position());
    const after = new Map(before).set(keyNid, eventNid);
    const delta = diffStates(current, after);
    const changed = delta.map((change) => ({ keyNid: change.keyNid, eventNid: change.stateEventNid }));
    const memberships = await toMemberships(changed, current, [...accepted, { eventNid, eventId, kind: 'timeline', event }]);
    const local = memberships.filter((change) => change.isLocal).map((change) => change.userNid);
    const row: StoredEvent = {
      eventNid,
      eventId,
      roomNid,
      kind: 'timeline',
      position: null,
      topological,
      senderNid: await interner.userNid(event.sender),
      type: event.type,
      keyNid,
      originServerTs: event.origin_server_ts,
      auth: auth.map((known) => known.eventNid),
      basePos: null,
      baseSnapshot: await insertSnapshot(
        sql,
        [...before].map(([key, nid]) => ({ keyNid: key, eventNid: nid })),
      ),
      // A room that we come back to goes on counting.
      notifySeq: (await findRoomByNid(sql, roomNid))?.notifySeq ?? 0,
      deviceId: null,
      txnPath: null,
      reason: null,
      redactedBy: null,
      json: encodeCanonicalJson(event),
    };
    return { row, isOnMainLine: false, stateChanges: changed, memberships, heads: [eventNid], wakes: { users: local } };
  }

  /** The memberships that the new state brings. Who was in the state we had and is in the new one no more has left. */
  async function toMemberships(
    changed: readonly { keyNid: number; eventNid: number | null }[],
    current: NidState,
    events: readonly KnownEvent[],
  ): Promise<(MembershipChange & { isLocal: boolean })[]> {
    const byNid = new Map(events.map((event) => [event.eventNid, event.event]));
    const goneNids = changed.flatMap((change) => (change.eventNid === null ? (current.get(change.keyNid) ?? []) : []));
    const gone = (await listEventsByNid(sql, goneNids))
      .filter((row) => row.type === MEMBER)
      .map((row) => readPdu(row.json).state_key ?? '');
    const standing = changed.flatMap(({ eventNid }) => {
      const event = eventNid === null ? undefined : byNid.get(eventNid);
      return event?.type === MEMBER
        ? [{ userId: event.state_key ?? '', membership: membershipNumber(event.content['membership']), eventNid }]
        : [];
    });
    const all = [...standing, ...gone.map((userId) => ({ userId, membership: membershipNumber('leave'), eventNid: null }))];
    const nids = await interner.userNids(all.map((member) => member.userId));
    return all
      .filter((member) => member.membership !== 0)
      .map(({ userId, membership, eventNid }) => ({
        userNid: nids.get(userId) ?? 0,
        membership,
        eventNid,
        isLocal: userId.endsWith(`:${serverName}`),
      }));
  }

  return take;
}

/** Notes, with the join, that the rest of the state is to come, or that none is awaited any more. */
function partialRiders(
  roomNid: number,
  { row }: LoggedEvent,
  { partial, wasPartial }: Pick<JoinedRoom, 'partial'> & { wasPartial: boolean },
): Rider[] {
  if (partial !== undefined) return [(tx) => beginPartialRoom(tx, { roomNid, joinEventNid: row.eventNid, ...partial })];
  return wasPartial ? [(tx) => abandonPartialRoom(tx, roomNid)] : [];
}
