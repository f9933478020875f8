import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { getRoomState, getRoomStateIds } from 'federation-spec/api/server/state.ts';
import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Database } from '../../../storage/database.ts';
import { listUnstoredIds, type PartialRoom } from '../../../storage/partial-rooms.ts';
import { type CheckedPdu, checkPdus } from '../../rooms/receive-pdu/check-pdu.ts';
import type { FindServerKey, RoomPeers } from '../../rooms/receive-pdu/room-peers.ts';
import type { StoreOutliers } from '../../rooms/receive-pdu/store-outliers.ts';
import type { FederationClient } from '../federation-client.ts';
import { FederationError } from '../federation-error.ts';
import { splitArrays } from './split-arrays.ts';

/** How long the answer with all of the state may take to arrive. */
const STATE_TIMEOUT_MS = 600_000;
const MAX_STATE_BYTES = 256 * 1024 * 1024;
const MAX_EVENT_BYTES = 128 * 1024;
/** How many events are checked and stored at a time; between two lots the process does other work. */
const LOT = 200;
/** Up to so many missing events are asked for one by one. */
const MAX_SINGLE_FETCHES = 50;
const PARALLEL_FETCHES = 8;
/** How many bytes of events that came before what allows them are kept until it comes. */
const MAX_EARLY_BYTES = 96 * 1024 * 1024;
/** How long a chain of events, each allowed by the next, may be. */
const MAX_PASSES = 20;

/** Has all of the state before our join stored as outliers, checked one by one; resolves with the ids of what is in it. */
export type FetchWholeState = (room: PartialRoom, rules: RoomVersionRules, origin: string) => Promise<string[]>;

type Deps = { database: Database; client: FederationClient; peers: RoomPeers; findServerKey: FindServerKey; storeOutliers: StoreOutliers };

/**
 * The ids first: most of them may be here. What is missing is asked for singly when it is little, else the whole state is read as it
 * arrives, in lots, so that its size is no matter of memory. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1state_idsroomid
 */
export function createFetchWholeState({ database, client, peers, findServerKey, storeOutliers }: Deps): FetchWholeState {
  const { sql } = database;

  async function fetchIds(room: PartialRoom, origin: string) {
    const options = { timeoutMs: STATE_TIMEOUT_MS, maxBytes: MAX_STATE_BYTES, urgency: 'person' } as const;
    const query = { event_id: room.joinEventId };
    const answer = await client.call(origin, getRoomStateIds, { params: { roomId: room.roomId }, query }, options);
    return { stateIds: [...new Set(answer.pdu_ids)], chainIds: answer.auth_chain_ids };
  }

  /** Stores those that can be judged; resolves with the others, whose auth events are not here yet. */
  async function store(room: PartialRoom, rules: RoomVersionRules, pdus: readonly CheckedPdu[]): Promise<CheckedPdu[]> {
    const known = await storeOutliers({ roomNid: room.roomNid, roomId: room.roomId, rules }, pdus);
    await nextTurnOfLoop();
    return pdus.filter((pdu) => !known.has(pdu.eventId));
  }

  /** Resolves with those that the server does not give. */
  async function fetchSingly(room: PartialRoom, rules: RoomVersionRules, origin: string, ids: readonly string[]): Promise<string[]> {
    const values: unknown[] = [];
    for (let start = 0; start < ids.length; start += PARALLEL_FETCHES) {
      values.push(...(await Promise.all(ids.slice(start, start + PARALLEL_FETCHES).map((id) => peers.fetchEvent(origin, id)))));
    }
    await store(room, rules, await checkPdus(values, { roomId: room.roomId, rules }, findServerKey));
    return ids.filter((_, index) => values[index] === undefined);
  }

  async function fetchAll(room: PartialRoom, rules: RoomVersionRules, origin: string): Promise<void> {
    const options = { timeoutMs: STATE_TIMEOUT_MS, maxBytes: MAX_STATE_BYTES, urgency: 'person' } as const;
    const query = { event_id: room.joinEventId };
    const { body } = await client.open(origin, getRoomState, { params: { roomId: room.roomId }, query }, options);
    let early: Uint8Array[] = [];
    let earlyBytes = 0;

    /** Keeps what cannot be judged yet as it came: that is smaller than what was read from it. */
    async function takeLot(lot: readonly Uint8Array[]): Promise<void> {
      const values = lot.map(readEventJson);
      const checked = await checkPdus(values, { roomId: room.roomId, rules }, findServerKey);
      const left = new Set((await store(room, rules, checked)).map((pdu) => pdu.event.hashes.sha256));
      if (left.size === 0) return;
      for (const [index, value] of values.entries()) {
        const json = lot[index];
        if (json === undefined || !left.has(hashOf(value))) continue;
        early.push(json);
        earlyBytes += json.length;
      }
      if (earlyBytes > MAX_EARLY_BYTES) throw new FederationError(origin, 'it gives too many events before what allows them');
    }

    let lot: Uint8Array[] = [];
    try {
      for await (const { json } of splitArrays(body, ['auth_chain', 'pdus'], {
        maxBytes: MAX_STATE_BYTES,
        maxElementBytes: MAX_EVENT_BYTES,
      })) {
        lot.push(json);
        if (lot.length < LOT) continue;
        await takeLot(lot);
        lot = [];
      }
    } finally {
      body.on('error', () => undefined).destroy();
    }
    await takeLot(lot);
    for (let pass = 0; pass < MAX_PASSES && early.length > 0; pass += 1) {
      const again = early;
      [early, earlyBytes] = [[], 0];
      for (let start = 0; start < again.length; start += LOT) await takeLot(again.slice(start, start + LOT));
      if (early.length === again.length) return;
    }
  }

  return async (room, rules, origin) => {
    const { stateIds, chainIds } = await fetchIds(room, origin);
    const missing = await listUnstoredIds(sql, [...new Set([...stateIds, ...chainIds])]);
    if (missing.length > MAX_SINGLE_FETCHES) await fetchAll(room, rules, origin);
    else await fetchSingly(room, rules, origin, missing);
    const lacking = await listUnstoredIds(sql, stateIds);
    // What it gives and nobody is seen to have signed is no part of the state: servers that are gone must not leave the room unfinished.
    const [first] = await fetchSingly(room, rules, origin, lacking.slice(0, MAX_SINGLE_FETCHES));
    if (first !== undefined) throw new FederationError(origin, `it tells of a state whose events it does not give, such as ${first}`);
    return stateIds;
  };
}

function readEventJson(json: Uint8Array): unknown {
  const read = readJson(json, { numbers: 'exact' });
  return read.ok ? read.value : undefined;
}

function hashOf(value: unknown): string {
  const hashes = typeof value === 'object' && value !== null && 'hashes' in value ? value.hashes : undefined;
  return typeof hashes === 'object' && hashes !== null && 'sha256' in hashes ? String(hashes.sha256) : '';
}
