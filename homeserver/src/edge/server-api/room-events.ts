import { readInteger, readList } from 'federation-spec/api/schemas/query.ts';
import { backfillRoom, getMissingPreviousEvents } from 'federation-spec/api/server/backfill.ts';
import { getEvent, getEventAuth, getEventByTimestamp } from 'federation-spec/api/server/events.ts';
import { getRoomState, getRoomStateIds } from 'federation-spec/api/server/state.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { ReadEvents } from '../../domain/federation/reads/read-events.ts';
import { type Route, raw, route } from '../http/route.ts';

const DEFAULT_BACKFILL = 100;
const DEFAULT_MISSING = 10;

/** https://spec.matrix.org/latest/server-server-api/#retrieving-events */
export function serverRoomEventRoutes(read: ReadEvents, about: { serverName: string; now: () => number }): Route[] {
  const list = (pdus: JsonObject[]) => ({ origin: about.serverName, origin_server_ts: about.now(), pdus });
  return [
    route(getEvent, async ({ params, origin }) => list([await read.event(origin, params.eventId)])),
    route(getEventAuth, async ({ params, origin }) => ({ auth_chain: await read.authChain(origin, params.roomId, params.eventId) })),
    route(getEventByTimestamp, async ({ params, query, origin }) => {
      const time = { timestampMs: readInteger(query.ts) ?? 0, direction: query.dir };
      const event = await read.atTime(origin, params.roomId, time);
      return { event_id: event.eventId, origin_server_ts: event.originServerTs };
    }),
    route(getRoomState, async ({ params, query, origin }) => {
      const { state, authChain } = await read.state(origin, params.roomId, query.event_id);
      const text = (events: readonly { json: string }[]) => `[${events.map((event) => event.json).join(',')}]`;
      return raw({ text: `{"pdus":${text(state)},"auth_chain":${text(authChain)}}` });
    }),
    route(getRoomStateIds, async ({ params, query, origin }) => {
      const { state, authChain } = await read.state(origin, params.roomId, query.event_id);
      return { pdu_ids: state.map((event) => event.eventId), auth_chain_ids: authChain.map((event) => event.eventId) };
    }),
    route(backfillRoom, async ({ params, query, origin }) => {
      const events = await read.backfill(origin, params.roomId, readList(query.v), readInteger(query.limit) ?? DEFAULT_BACKFILL);
      return list(events);
    }),
    route(getMissingPreviousEvents, async ({ params, body, origin }) => {
      const { latest_events: latest, limit = DEFAULT_MISSING, min_depth: minDepth = 0 } = body;
      const earliest = body.earliest_events ?? [];
      return { events: await read.missing(origin, params.roomId, { earliest, latest, limit, minDepth }) };
    }),
  ];
}
