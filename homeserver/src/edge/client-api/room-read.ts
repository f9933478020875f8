import { getJoinedMembersByRoom, getJoinedRooms, getMembersByRoom } from 'federation-spec/api/client/membership.ts';
import { getEventByTimestamp, getEventContext, getOneRoomEvent, getRoomEvents } from 'federation-spec/api/client/messages.ts';
import { getRoomState, getRoomStateWithKey } from 'federation-spec/api/client/state.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { ListJoinedRooms } from '../../domain/rooms/list-joined-rooms.ts';
import { profileFields, type ReadRoom } from '../../domain/rooms/read-room.ts';
import { type Route, route } from '../http/route.ts';
import { readEventFilter } from './event-filter.ts';

/** https://spec.matrix.org/latest/client-server-api/#getting-events-for-a-room */
export function roomReadRoutes(readRoom: ReadRoom, listJoinedRooms: ListJoinedRooms): Route[] {
  return [
    route(getJoinedRooms, async ({ requester }) => ({ joined_rooms: await listJoinedRooms(requester.userNid) })),

    route(getRoomState, ({ params, requester }) => readRoom.state(requester, params.roomId)),

    route(getRoomStateWithKey, async ({ params, query, requester }) => {
      const event = await readRoom.stateEvent(requester, params.roomId, params.eventType, params.stateKey ?? '');
      return query.format === 'event' ? event : event.content;
    }),

    route(getMembersByRoom, async ({ params, query, requester }) => {
      const { at, membership, not_membership: notMembership } = query;
      return { chunk: await readRoom.members(requester, params.roomId, { at, membership, notMembership }) };
    }),

    route(getJoinedMembersByRoom, async ({ params, requester }) => {
      const members = await readRoom.joinedMembers(requester, params.roomId);
      return { joined: Object.fromEntries(members.map((member) => [member.state_key, profileFields(member.content)])) };
    }),

    route(getOneRoomEvent, ({ params, requester }) => readRoom.event(requester, params.roomId, params.eventId)),

    route(getRoomEvents, async ({ params, query, requester }) => {
      const { from, to, dir: direction, limit, filter } = query;
      return await readRoom.messages(requester, {
        roomId: params.roomId,
        from,
        to,
        direction,
        limit: readInteger(limit),
        filter: readEventFilter(filter),
      });
    }),

    route(getEventByTimestamp, async ({ params, query, requester }) => {
      const timestampMs = readInteger(query.ts) ?? 0;
      const { eventId, originServerTs } = await readRoom.atTime(requester, params.roomId, { timestampMs, direction: query.dir });
      return { event_id: eventId, origin_server_ts: originServerTs };
    }),

    route(getEventContext, async ({ params, query, requester }) => {
      const { before, after, ...rest } = await readRoom.context(requester, params.roomId, params.eventId, {
        limit: readInteger(query.limit),
        filter: readEventFilter(query.filter),
      });
      return { ...rest, events_before: before, events_after: after };
    }),
  ];
}
