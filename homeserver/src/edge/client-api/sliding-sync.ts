import { finalSlidingSync, slidingSync as slidingSyncEndpoint } from 'federation-spec/api/client/sliding-sync.ts';
import type {
  FinalSlidingSyncRequest,
  FinalSlidingSyncResponse,
  RequiredStateRequest,
} from 'federation-spec/api/schemas/final-sliding-sync.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { SlidingSyncFilters, SlidingSyncRequest, SlidingSyncRoom } from 'federation-spec/api/schemas/sliding-sync.ts';
import { PresenceStateSchema } from 'federation-spec/api/schemas/users.ts';
import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import type { RoomWish, StateRule } from '../../domain/sync/sliding/room-config.ts';
import type { ListWish } from '../../domain/sync/sliding/sliding-request.ts';
import type { SlidingSync } from '../../domain/sync/sliding/sliding-sync.ts';
import type { TellableRoom } from '../../domain/sync/sliding/tell-sliding-rooms.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

const PRESENCE_STATES: readonly string[] = PresenceStateSchema.enum;
const ANY = '*';
/** Required state so named asks for members lazily. */
const LAZY = stateKeyOf('m.room.member', '$LAZY');
const NOTHING: ReadonlySet<string> = new Set();

/** Simplified sliding sync, in the form in use and in the accepted one. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
export function slidingSyncRoutes(slidingSync: SlidingSync): Route[] {
  return [
    route(slidingSyncEndpoint, async ({ query, body, requester, request }) => {
      const { rooms, ...answer } = await slidingSync({
        device: requester,
        connId: body.conn_id ?? '',
        txnId: body.txn_id,
        pos: query.pos,
        timeoutMs: readInteger(query.timeout) ?? 0,
        setPresence: query.set_presence,
        lists: mapValues(body.lists, toListWish),
        subscriptions: mapValues(body.room_subscriptions, toWish),
        extensions: body.extensions ?? {},
        signal: request.signal,
      });
      return { ...answer, rooms: mapRooms(rooms, toRoom) };
    }),

    route(finalSlidingSync, async ({ body, requester, request }) => {
      const { set_presence: setPresence } = body;
      if (setPresence !== undefined && !PRESENCE_STATES.includes(setPresence)) throw invalidParam(`${setPresence} is no presence`);
      checkNames(body.lists);
      const { rooms, ...answer } = await slidingSync({
        device: requester,
        connId: body.conn_id ?? '',
        txnId: undefined,
        pos: body.pos,
        timeoutMs: body.timeout ?? 0,
        setPresence,
        lists: mapValues(body.lists, toFinalListWish),
        subscriptions: mapValues(body.room_subscriptions, toFinalWish),
        extensions: body.extensions ?? {},
        signal: request.signal,
      });
      return { ...answer, rooms: mapRooms(rooms, toFinalRoom) };
    }),
  ];
}

/** https://spec.matrix.org/latest/appendices/#opaque-identifiers */
const OPAQUE = /^[0-9A-Za-z\-._~]{1,255}$/;

function checkNames(lists: FinalSlidingSyncRequest['lists']): void {
  const bad = Object.keys(lists ?? {}).find((name) => !OPAQUE.test(name));
  if (bad !== undefined) throw invalidParam(`${bad} cannot be the name of a list: 1 to 255 of A-Z, a-z, 0-9, -, ., _ and ~ can`);
}

function mapValues<Wire, Wish>(wire: Readonly<Record<string, Wire>> | undefined, toOne: (value: Wire) => Wish): Map<string, Wish> {
  return new Map(Object.entries(wire ?? {}).map(([key, value]) => [key, toOne(value)]));
}

function mapRooms<Room>(rooms: Readonly<Record<string, TellableRoom>>, toOne: (room: TellableRoom) => Room): Record<string, Room> {
  return Object.fromEntries(Object.entries(rooms).map(([roomId, room]) => [roomId, toOne(room)]));
}

type List = NonNullable<SlidingSyncRequest['lists']>[string];
type Subscription = NonNullable<SlidingSyncRequest['room_subscriptions']>[string];

function toWish({ timeline_limit: timelineLimit = 0, required_state: requiredState = [] }: Subscription): RoomWish {
  const pairs = new Set(requiredState.map(([type, key]) => stateKeyOf(type, key)));
  const isLazy = pairs.delete(LAZY);
  return { timelineLimit, state: { include: pairs, exclude: NOTHING, isLazy } };
}

function toListWish({ ranges, filters, ...details }: List): ListWish {
  return { ...toWish(details), ranges, filters };
}

/** Clients in use know no name that is null, and nothing of state that is no more. */
function toRoom({ name, lost: _lost, ...room }: TellableRoom): SlidingSyncRoom {
  return { ...room, ...(name === undefined || name === null ? {} : { name }) };
}

type FinalList = NonNullable<FinalSlidingSyncRequest['lists']>[string];
type FinalSubscription = NonNullable<FinalSlidingSyncRequest['room_subscriptions']>[string];
type FinalRoom = NonNullable<FinalSlidingSyncResponse['rooms']>[string];

function toFinalWish({ timeline_limit: timelineLimit, required_state: requiredState }: FinalSubscription): RoomWish {
  return { timelineLimit, state: toStateRule(requiredState) };
}

function toStateRule({ include = [], exclude = [], lazy_members: isLazy = false }: RequiredStateRequest): StateRule {
  const toPairs = (elements: typeof include) =>
    new Set(elements.map(({ type = ANY, state_key: stateKey = ANY }) => stateKeyOf(type, stateKey)));
  return { include: toPairs(include), exclude: toPairs(exclude), isLazy };
}

function toFinalListWish({ range, filters, ...details }: FinalList): ListWish {
  return { ...toFinalWish(details), ranges: range === undefined ? undefined : [range], filters: toFilters(filters) };
}

function toFilters(filters: FinalList['filters']): SlidingSyncFilters | undefined {
  if (filters === undefined) return undefined;
  const { is_invited: isInvited, ...others } = filters;
  return { ...others, ...(isInvited === undefined ? {} : { is_invite: isInvited }) };
}

function toFinalRoom({
  invite_state: strippedState,
  unstable_expanded_timeline: isExpanded,
  notification_count: _notifications,
  highlight_count: _highlights,
  required_state: state,
  lost = [],
  ...room
}: TellableRoom): FinalRoom {
  return {
    ...room,
    ...(state === undefined ? {} : { required_state: [...state, ...lost.map(({ type, stateKey }) => ({ type, state_key: stateKey }))] }),
    ...(strippedState === undefined ? {} : { stripped_state: strippedState }),
    ...(isExpanded === undefined ? {} : { expanded_timeline: isExpanded }),
  };
}
