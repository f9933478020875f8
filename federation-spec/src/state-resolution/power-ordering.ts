import { powerLevelOf } from '../auth-rules/power-levels.ts';
import { numberOf } from '../canonical-json/exact-number.ts';
import { listAuthEventIds } from '../events/edges.ts';
import type { Pdu } from '../events/event.ts';
import { compareText } from './compare-text.ts';
import { createHeap } from './heap.ts';
import { authStateDuringResolution, type Resolution, type StateMap } from './state-lookups.ts';

const NO_STATE: StateMap = new Map();

type Ranked = { eventId: string; power: number; originServerTs: number };

/**
 * Orders events so that each comes after those of its auth events that are in the set, and otherwise by: greater power of the
 * sender (as the event's own auth events say), earlier `origin_server_ts`, smaller event id. Kahn's algorithm with a heap.
 *
 * Events that form a ring are left out: nothing they rest on comes first.
 *
 * https://spec.matrix.org/latest/rooms/v2/#definitions (reverse topological power ordering)
 */
export function sortByPower(eventIds: ReadonlySet<string>, resolution: Resolution): string[] {
  const waitingFor = new Map<string, number>();
  const citedBy = new Map<string, string[]>();
  const ready = createHeap(compareRanked);

  for (const eventId of eventIds) {
    const event = resolution.findEvent(eventId);
    if (event === undefined) continue;
    const cited = new Set(listAuthEventIds(event).filter((id) => eventIds.has(id)));
    waitingFor.set(eventId, cited.size);
    for (const id of cited) {
      const others = citedBy.get(id);
      if (others === undefined) citedBy.set(id, [eventId]);
      else others.push(eventId);
    }
    if (cited.size === 0) ready.push(rank(eventId, event, resolution));
  }

  const sorted: string[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    sorted.push(next.eventId);
    for (const eventId of citedBy.get(next.eventId) ?? []) {
      const left = (waitingFor.get(eventId) ?? 0) - 1;
      waitingFor.set(eventId, left);
      const event = left === 0 ? resolution.findEvent(eventId) : undefined;
      if (event !== undefined) ready.push(rank(eventId, event, resolution));
    }
  }
  return sorted;
}

function rank(eventId: string, event: Pdu, resolution: Resolution): Ranked {
  const level = powerLevelOf(event.sender, authStateDuringResolution(event, NO_STATE, resolution), resolution.rules);
  return { eventId, power: Number.isNaN(level) ? Number.NEGATIVE_INFINITY : level, originServerTs: numberOf(event.origin_server_ts) ?? 0 };
}

function compareRanked(a: Ranked, b: Ranked): number {
  if (a.power !== b.power) return a.power > b.power ? -1 : 1;
  if (a.originServerTs !== b.originServerTs) return a.originServerTs < b.originServerTs ? -1 : 1;
  return compareText(a.eventId, b.eventId);
}
