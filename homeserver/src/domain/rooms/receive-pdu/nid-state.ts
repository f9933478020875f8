import type { Sql } from '../../../storage/database.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import { type DeltaRow, listSnapshotNids, listStateBefore, listStateDelta, listStateNids } from '../../../storage/state.ts';

/** A state of a room in numbers: (type, state_key) → event. */
export type NidState = Map<number, number>;

function toNidState(rows: readonly { keyNid: number; eventNid: number }[]): NidState {
  return new Map(rows.map((row) => [row.keyNid, row.eventNid]));
}

/** The room's current state at a position of the log. */
export async function loadStateAt(sql: Sql, roomNid: number, position: number): Promise<NidState> {
  return toNidState(await listStateNids(sql, roomNid, position));
}

/** A state of a room that is in memory: earlier ones are told from it by what differs. */
export type KnownState = { at: number; state: NidState };

async function deriveStateAt(sql: Sql, roomNid: number, at: number, known: KnownState): Promise<NidState> {
  const state: NidState = new Map(known.state);
  for (const { keyNid, eventNid } of await listStateBefore(sql, roomNid, { at, upTo: known.at })) {
    if (eventNid === null) state.delete(keyNid);
    else state.set(keyNid, eventNid);
  }
  return state;
}

/** The state on which that before a stored event is laid. */
export async function loadBase(sql: Sql, { roomNid, basePos, baseSnapshot }: StoredEvent, known?: KnownState): Promise<NidState> {
  if (baseSnapshot !== null) return toNidState(await listSnapshotNids(sql, baseSnapshot));
  const at = basePos ?? 0;
  return known !== undefined && known.at >= at ? await deriveStateAt(sql, roomNid, at, known) : await loadStateAt(sql, roomNid, at);
}

/** The state before a stored event; `undefined` when it is not known, as for outliers. */
export async function loadStateBefore(sql: Sql, event: StoredEvent, known?: KnownState): Promise<NidState | undefined> {
  if (event.basePos === null && event.baseSnapshot === null) return undefined;
  const state = await loadBase(sql, event, known);
  for (const { keyNid, stateEventNid } of await listStateDelta(sql, event.eventNid)) {
    if (stateEventNid === null) state.delete(keyNid);
    else state.set(keyNid, stateEventNid);
  }
  return state;
}

/** The state after a stored event. A rejected event changes nothing. */
export async function loadStateAfter(sql: Sql, event: StoredEvent, known?: KnownState): Promise<NidState | undefined> {
  const state = await loadStateBefore(sql, event, known);
  if (event.keyNid !== null && event.kind !== 'rejected') state?.set(event.keyNid, event.eventNid);
  return state;
}

/** What must change in `from` to make it `to`. */
export function diffStates(from: NidState, to: NidState): DeltaRow[] {
  const delta: DeltaRow[] = [];
  for (const [keyNid, eventNid] of to) if (from.get(keyNid) !== eventNid) delta.push({ keyNid, stateEventNid: eventNid });
  for (const keyNid of from.keys()) if (!to.has(keyNid)) delta.push({ keyNid, stateEventNid: null });
  return delta;
}
