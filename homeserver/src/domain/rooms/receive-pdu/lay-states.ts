import type { Sql } from '../../../storage/database.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import { type DeltaRow, insertSnapshot } from '../../../storage/state.ts';
import type { LayeredState } from './layered-state.ts';

/** Notes in each row on what the state before it is laid, storing bases that are not stored yet; resolves with the layers. */
export async function layStates(
  tx: Sql,
  rows: readonly StoredEvent[],
  before: ReadonlyMap<string, LayeredState>,
): Promise<(DeltaRow & { eventNid: number })[]> {
  const deltas: (DeltaRow & { eventNid: number })[] = [];
  for (const row of rows) {
    const state = before.get(row.eventId);
    if (state === undefined) continue;
    const { base, delta } = state;
    if (base.basePos === null && base.baseSnapshot === null) {
      base.baseSnapshot = await insertSnapshot(
        tx,
        [...base.state].map(([keyNid, eventNid]) => ({ keyNid, eventNid })),
      );
    }
    row.basePos = base.basePos;
    row.baseSnapshot = base.baseSnapshot;
    for (const [keyNid, stateEventNid] of delta) deltas.push({ eventNid: row.eventNid, keyNid, stateEventNid });
  }
  return deltas;
}
