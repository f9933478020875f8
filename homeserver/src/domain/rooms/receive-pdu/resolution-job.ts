import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { resolveState } from 'federation-spec/state-resolution/resolve-state.ts';
import { readPdu } from '../read-pdu.ts';

/** Everything that a resolution needs, in a form that can be handed to another thread. Keys are those of `stateKeyOf`, values event ids. */
export type ResolutionJob = {
  version: string;
  stateSets: [string, string][][];
  events: { eventId: string; json: string; isRejected: boolean }[];
  /** The auth difference of the states. */
  difference: string[];
};

/** The resolved state. Takes time, and nothing else: run it beside the main loop when there are many events. */
export function runResolution({ version, stateSets, events, difference }: ResolutionJob): [string, string][] {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`the room version ${version} is not known`);
  const parsed = new Map(events.map((event) => [event.eventId, readPdu(event.json)]));
  const rejected = new Set(events.filter((event) => event.isRejected).map((event) => event.eventId));
  const resolved = resolveState({
    rules,
    stateSets: stateSets.map((entries) => new Map(entries)),
    findEvent: (eventId) => parsed.get(eventId),
    isRejected: (eventId) => rejected.has(eventId),
    listAuthDifference: () => difference,
  });
  return [...resolved];
}
