import type { Sql } from '../../../storage/database.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import { listStateDelta } from '../../../storage/state.ts';
import { diffStates, loadBase, type NidState } from './nid-state.ts';

/** A state on which others are laid: the room's at a position of the log, or a snapshot; while it is neither it is not stored yet. */
export type StateBase = { basePos: number | null; baseSnapshot: number | null; state: NidState };

/** A state as what differs from another, so that the many states of a stretch of history need not each be held and stored whole. */
export type LayeredState = { base: StateBase; delta: ReadonlyMap<number, number | null> };

/** How many keys a layer may have over a base of `size` keys: by then a new base costs less than what is laid on it. */
function maxLayer(size: number): number {
  return Math.min(MAX_LAYER, Math.max(MIN_LAYER, Math.sqrt(size)));
}
const MIN_LAYER = 16;
const MAX_LAYER = 200;

/** A state that is stored nowhere yet, as a base of its own. */
export function asBase(state: NidState): LayeredState {
  return { base: { basePos: null, baseSnapshot: null, state }, delta: new Map() };
}

/** The state on the base, where it differs little from it; else by itself. */
export function layOn(base: StateBase | undefined, state: NidState): LayeredState {
  if (base === undefined) return asBase(state);
  const delta = diffStates(base.state, state);
  if (delta.length > maxLayer(base.state.size)) return asBase(state);
  return { base, delta: new Map(delta.map((change) => [change.keyNid, change.stateEventNid])) };
}

/** The event that holds a key. */
export function holderOf({ base, delta }: LayeredState, keyNid: number): number | undefined {
  const changed = delta.get(keyNid);
  return changed === undefined ? base.state.get(keyNid) : (changed ?? undefined);
}

/** The state with another holder of a key. */
export function withHolder({ base, delta }: LayeredState, keyNid: number, eventNid: number): LayeredState {
  const layer = new Map(delta).set(keyNid, eventNid);
  if (base.state.get(keyNid) === eventNid) layer.delete(keyNid);
  const state: LayeredState = { base, delta: layer };
  return layer.size > maxLayer(base.state.size) ? asBase(flatten(state)) : state;
}

export function flatten({ base, delta }: LayeredState): NidState {
  const state: NidState = new Map(base.state);
  for (const [keyNid, eventNid] of delta) {
    if (eventNid === null) state.delete(keyNid);
    else state.set(keyNid, eventNid);
  }
  return state;
}

/** Whether two states are seen to be the same without looking at all of them. */
export function isSameLayer(one: LayeredState, other: LayeredState): boolean {
  if (one.base !== other.base || one.delta.size !== other.delta.size) return false;
  return [...one.delta].every(([keyNid, eventNid]) => other.delta.get(keyNid) === eventNid);
}

/** The state before a stored event; `undefined` when it is not known. */
export async function loadLayeredBefore(sql: Sql, event: StoredEvent): Promise<LayeredState | undefined> {
  const { basePos, baseSnapshot } = event;
  if (basePos === null && baseSnapshot === null) return undefined;
  const base: StateBase = { basePos, baseSnapshot, state: await loadBase(sql, event) };
  const delta = await listStateDelta(sql, event.eventNid);
  return { base, delta: new Map(delta.map((change) => [change.keyNid, change.stateEventNid])) };
}
