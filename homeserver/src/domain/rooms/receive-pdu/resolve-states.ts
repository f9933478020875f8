import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { resolveState } from 'federation-spec/state-resolution/resolve-state.ts';
import type { Sql } from '../../../storage/database.ts';
import { listAuthChain, listEventsByNid, type StoredEvent } from '../../../storage/events.ts';
import { readPdu } from '../read-pdu.ts';
import { diffStates, type NidState } from './nid-state.ts';

/**
 * Resolves several states of a room to one, by the algorithm of the room's version. States that are the same need no resolving.
 * https://spec.matrix.org/latest/server-server-api/#room-state-resolution
 */
export async function resolveStates(sql: Sql, rules: RoomVersionRules, states: readonly NidState[]): Promise<NidState> {
  const [first, ...others] = states;
  if (first === undefined) return new Map();
  const different = others.filter((state) => diffStates(first, state).length > 0);
  if (different.length === 0) return first;

  const sets = [first, ...different];
  const nids = new Set(sets.flatMap((state) => [...state.values()]));
  for (const nid of await listAuthChain(sql, [...nids])) nids.add(nid);
  const stored = await listEventsByNid(sql, [...nids]);
  const byNid = new Map(stored.map((event) => [event.eventNid, event]));
  const byId = new Map(stored.map((event) => [event.eventId, event]));
  const parsed = new Map(stored.map((event) => [event.eventId, readPdu(event.json)]));

  const stateSets = sets.map((state) => {
    const entries = [...state.values()].map((eventNid): [string, string] => {
      const { eventId } = known(byNid, eventNid);
      const event = known(parsed, eventId);
      return [stateKeyOf(event.type, event.state_key ?? ''), eventId];
    });
    return new Map(entries);
  });
  const resolved = resolveState({
    rules,
    stateSets,
    findEvent: (eventId) => parsed.get(eventId),
    isRejected: (eventId) => byId.get(eventId)?.kind === 'rejected',
  });
  // An event of the auth chains can come into the state under a key that none of the states had.
  return new Map([...resolved.values()].map((eventId) => entryOf(known<string, StoredEvent>(byId, eventId))));
}

function entryOf({ keyNid, eventNid, eventId }: StoredEvent): [number, number] {
  if (keyNid === null) throw new Error(`state resolution chose ${eventId}, which is no state event`);
  return [keyNid, eventNid];
}

function known<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`state resolution met ${String(key)}, which is not stored`);
  return value;
}
