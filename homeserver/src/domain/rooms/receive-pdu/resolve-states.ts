import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Sql } from '../../../storage/database.ts';
import { listAuthChain, listEventsByNid, listReachedFrom, type StoredEvent } from '../../../storage/events.ts';
import { listKeyNids } from '../../../storage/state-keys.ts';
import { readPdu } from '../read-pdu.ts';
import { listUnevenlyReached } from './auth-difference.ts';
import { listNeededState } from './auth-states.ts';
import type { NidState } from './nid-state.ts';
import type { ResolutionThread } from './resolution-thread.ts';

/** Resolves several states of a room to one, by the algorithm of the room's version. */
export type ResolveStates = (rules: RoomVersionRules, states: readonly NidState[]) => Promise<NidState>;

const POWER_LEVELS = 'm.room.power_levels';

/**
 * A state may hold tens of thousands of members on which all agree: what they agree on is compared by number and not read, but for the few
 * entries that the auth rules ask for.
 *
 * 1. Split the states into what they agree on and what not.
 * 2. Read the events in conflict and all that these rest on.
 * 3. Find the auth difference among them; take out what the agreed state rests on too.
 * 4. Read what the auth rules may ask for of the agreed state, with the power levels behind its own.
 * 5. Resolve.
 *
 * https://spec.matrix.org/latest/server-server-api/#room-state-resolution
 */
export function createResolveStates({ sql, thread }: { sql: Sql; thread: ResolutionThread }): ResolveStates {
  async function readWithChain(nids: readonly number[]): Promise<Map<number, StoredEvent>> {
    const all = new Set([...nids, ...(await listAuthChain(sql, nids))]);
    return new Map((await listEventsByNid(sql, [...all])).map((event) => [event.eventNid, event]));
  }

  async function listDifference(chain: ReadonlyMap<number, StoredEvent>, { agreed, disputed }: Split): Promise<StoredEvent[]> {
    const uneven = listUnevenlyReached(chain, disputed);
    const inConflict = new Set(disputed.flat());
    const doubtful = uneven.filter((nid) => !inConflict.has(nid));
    const shared = new Set(doubtful.length === 0 ? [] : await listReachedFrom(sql, [...agreed.values()], doubtful));
    return uneven.flatMap((nid) => (shared.has(nid) ? [] : (chain.get(nid) ?? [])));
  }

  async function readNeeded(chain: ReadonlyMap<number, StoredEvent>, agreed: NidState, rules: RoomVersionRules): Promise<StoredEvent[]> {
    const pairs = [...chain.values()]
      .filter((event) => event.keyNid !== null)
      .flatMap((event) => listNeededState(readPdu(event.json), rules));
    const unique = new Map([...pairs, { type: POWER_LEVELS, stateKey: '' }].map((pair) => [stateKeyOf(pair.type, pair.stateKey), pair]));
    const keyNids = await listKeyNids(sql, [...unique.values()]);
    const needed = await listEventsByNid(
      sql,
      keyNids.flatMap((keyNid) => agreed.get(keyNid) ?? []),
    );
    const powers = needed.filter((event) => event.type === POWER_LEVELS).map((event) => event.eventNid);
    const behind = await readWithChain(powers);
    return [...needed, ...behind.values()];
  }

  return async function resolveStates(rules, states) {
    const [first, ...others] = states;
    if (first === undefined) return new Map();
    const split = splitStates(first, others); // 1
    if (split === undefined) return first;
    const { agreed, disputed, sets } = split;

    const chain = await readWithChain([...new Set(disputed.flat())]); // 2
    const difference = await listDifference(chain, split); // 3
    const needed = await readNeeded(chain, agreed, rules); // 4
    const byNid = new Map([...chain, ...needed.map((event): [number, StoredEvent] => [event.eventNid, event])]);
    const byId = new Map([...byNid.values()].map((event) => [event.eventId, event]));
    const shared = new Set(agreed.values());
    const common = needed.filter((event) => shared.has(event.eventNid)).map(toEntry);
    const [roomNid = 0] = [...byNid.values()].map((event) => event.roomNid); // they are all of one
    const resolved = await thread.run(roomNid, {
      version: rules.version,
      stateSets: sets.map((set) => [...common, ...[...set.values()].map((nid) => toEntry(known(byNid, nid)))]),
      events: [...byNid.values()].map(({ eventId, json, kind }) => ({ eventId, json, isRejected: kind === 'rejected' })),
      difference: difference.map((event) => event.eventId),
    }); // 5

    const state: NidState = new Map(agreed);
    // An event of the auth chains can come into the state under a key that none of the states had.
    for (const [, eventId] of resolved) {
      const { keyNid, eventNid } = known(byId, eventId);
      if (keyNid === null) throw new Error(`state resolution chose ${eventId}, which is no state event`);
      if (!agreed.has(keyNid)) state.set(keyNid, eventNid);
    }
    return state;
  };
}

/** What all states agree on; of each different state what not, as a state and as its events. */
type Split = { agreed: NidState; sets: NidState[]; disputed: number[][] };

/** `undefined` when there is nothing to resolve. */
function splitStates(first: NidState, others: readonly NidState[]): Split | undefined {
  const inConflict = new Set<number>();
  const different: NidState[] = [first];
  for (const state of others) {
    const before = inConflict.size;
    let isDifferent = state.size !== first.size;
    for (const [keyNid, eventNid] of state) {
      if (first.get(keyNid) === eventNid) continue;
      inConflict.add(keyNid);
      isDifferent = true;
    }
    for (const keyNid of first.keys()) if (!state.has(keyNid)) inConflict.add(keyNid);
    if (isDifferent || inConflict.size > before) different.push(state);
  }
  if (inConflict.size === 0) return undefined;
  const agreed: NidState = new Map([...first].filter(([keyNid]) => !inConflict.has(keyNid)));
  const sets = different.map((state) => new Map([...inConflict].flatMap((keyNid): [number, number][] => entryOf(state, keyNid))));
  return { agreed, sets, disputed: sets.map((set) => [...set.values()]) };
}

function entryOf(state: NidState, keyNid: number): [number, number][] {
  const eventNid = state.get(keyNid);
  return eventNid === undefined ? [] : [[keyNid, eventNid]];
}

function toEntry({ json, eventId }: StoredEvent): [string, string] {
  const { type, state_key: stateKey = '' } = readPdu(json);
  return [stateKeyOf(type, stateKey), eventId];
}

function known<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`state resolution met ${String(key)}, which is not stored`);
  return value;
}
