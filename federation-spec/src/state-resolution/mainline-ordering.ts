import { numberOf } from '../canonical-json/exact-number.ts';
import { listAuthEventIds } from '../events/edges.ts';
import { compareText } from './compare-text.ts';
import type { Resolution } from './state-lookups.ts';

type Placed = { eventId: string; position: number; originServerTs: number };

/**
 * Orders events by the power levels they rest on: those resting on an older event of the mainline first, then by
 * `origin_server_ts`, then by event id. The mainline is the chain of power level events behind `powerLevelsId`; an event that
 * rests on none of them comes before all.
 *
 * Each power level event is placed once, so the cost does not grow with the length of the chain times the number of events.
 *
 * https://spec.matrix.org/latest/rooms/v2/#definitions (mainline ordering)
 */
export function sortByMainline(eventIds: Iterable<string>, powerLevelsId: string | undefined, resolution: Resolution): string[] {
  const positions = new Map<string, number>();
  for (let id = powerLevelsId; id !== undefined && !positions.has(id); id = findCitedPowerLevels(id, resolution)) {
    positions.set(id, positions.size);
  }
  const placed: Placed[] = [];
  for (const eventId of eventIds) {
    const event = resolution.findEvent(eventId);
    if (event === undefined) continue;
    placed.push({
      eventId,
      position: placeOnMainline(eventId, positions, resolution),
      originServerTs: numberOf(event.origin_server_ts) ?? 0,
    });
  }
  return placed.sort(comparePlaced).map(({ eventId }) => eventId);
}

/** The position of the first mainline event behind this one; `Infinity` when there is none. What is learnt on the way is kept. */
function placeOnMainline(eventId: string, positions: Map<string, number>, resolution: Resolution): number {
  const path = new Set<string>();
  let id = findCitedPowerLevels(eventId, resolution);
  while (id !== undefined && !positions.has(id) && !path.has(id)) {
    path.add(id);
    id = findCitedPowerLevels(id, resolution);
  }
  const position = (id === undefined ? undefined : positions.get(id)) ?? Number.POSITIVE_INFINITY;
  for (const passed of path) positions.set(passed, position);
  return position;
}

function findCitedPowerLevels(eventId: string, resolution: Resolution): string | undefined {
  const event = resolution.findEvent(eventId);
  if (event === undefined) return undefined;
  return listAuthEventIds(event).find((id) => {
    const cited = resolution.findEvent(id);
    return cited?.type === 'm.room.power_levels' && cited.state_key === '';
  });
}

function comparePlaced(a: Placed, b: Placed): number {
  if (a.position !== b.position) return a.position > b.position ? -1 : 1;
  if (a.originServerTs !== b.originServerTs) return a.originServerTs < b.originServerTs ? -1 : 1;
  return compareText(a.eventId, b.eventId);
}
