import { backfillRoom, getMissingPreviousEvents } from 'federation-spec/api/server/backfill.ts';
import { getEvent, getEventAuth } from 'federation-spec/api/server/events.ts';
import { getRoomState, getRoomStateIds } from 'federation-spec/api/server/state.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { RoomPeers } from '../rooms/receive-pdu/room-peers.ts';
import type { FederationClient } from './federation-client.ts';
import { FederationError } from './federation-error.ts';

const STATE_TIMEOUT_MS = 60_000;
const MAX_STATE_BYTES = 64 * 1024 * 1024;

export type HistoryPeer = {
  /** Events from before these, unchecked. */
  backfill: (origin: string, roomId: string, before: readonly string[], limit: number) => Promise<JsonObject[]>;
};

/** Asks other servers for events and states of rooms. https://spec.matrix.org/latest/server-server-api/#retrieving-events */
export function createRoomPeers(client: FederationClient): RoomPeers & HistoryPeer {
  const patient = { timeoutMs: STATE_TIMEOUT_MS, maxBytes: MAX_STATE_BYTES };
  const patientFor = (timeoutMs = STATE_TIMEOUT_MS) => ({ ...patient, timeoutMs });
  return {
    fetchMissing: async (origin, roomId, { earliest, latest, limit }) => {
      const body = { limit, min_depth: 0, earliest_events: [...earliest], latest_events: [...latest] };
      return (await client.call(origin, getMissingPreviousEvents, { params: { roomId }, body })).events;
    },
    fetchStateIds: async (origin, roomId, eventId, timeoutMs) => {
      const answer = await client.call(
        origin,
        getRoomStateIds,
        { params: { roomId }, query: { event_id: eventId } },
        patientFor(timeoutMs),
      );
      return { stateIds: answer.pdu_ids, authChainIds: answer.auth_chain_ids };
    },
    fetchState: async (origin, roomId, eventId, timeoutMs) => {
      const answer = await client.call(origin, getRoomState, { params: { roomId }, query: { event_id: eventId } }, patientFor(timeoutMs));
      return [...answer.auth_chain, ...answer.pdus];
    },
    fetchEvent: async (origin, eventId) => {
      try {
        return (await client.call(origin, getEvent, { params: { eventId } })).pdus[0];
      } catch (error) {
        if (error instanceof FederationError && isRefusal(error.status)) return undefined;
        throw error;
      }
    },
    fetchAuthChain: async (origin, roomId, eventId) =>
      (await client.call(origin, getEventAuth, { params: { roomId, eventId } }, patient)).auth_chain,
    backfill: async (origin, roomId, before, limit) =>
      (
        await client.call(
          origin,
          backfillRoom,
          { params: { roomId }, query: { v: before, limit: String(limit) } },
          { ...patient, urgency: 'person' },
        )
      ).pdus,
  };
}

/** Whether the server says that there is nothing for us, rather than that it cannot answer now. */
function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status < 500 && status !== 429;
}
