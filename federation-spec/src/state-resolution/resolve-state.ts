import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { resolveStateV1 } from './resolve-state-v1.ts';
import { resolveStateV2 } from './resolve-state-v2.ts';
import type { StateLookups, StateMap } from './state-lookups.ts';

export type ResolveStateInput = StateLookups & {
  rules: RoomVersionRules;
  /** The states after each of an event's `prev_events`, or at each forward extremity. */
  stateSets: readonly StateMap[];
};

/**
 * Resolves several states of a room to one. The answer depends neither on the order of the states nor on repeats among them. It does
 * depend on which states are resolved together: by its definition the algorithm is not associative, so hand in all of them at once.
 *
 * Nothing recurses. The cost is linear in what the conflicted events lead to, plus sorting it; where the auth difference is not
 * plain from that, also in what the unconflicted state leads to (pass `listAuthDifference` from an index to spare that).
 *
 * @returns the text key of (type, state key), see `stateKeyOf`, to the event's id.
 * @throws {RangeError} when the auth chains have no end (`MAX_AUTH_GRAPH_EVENTS`).
 *
 * https://spec.matrix.org/latest/server-server-api/#room-state-resolution, https://spec.matrix.org/latest/rooms/v12/#state-resolution
 */
export function resolveState(input: ResolveStateInput): Map<string, string> {
  const { rules, stateSets } = input;
  const [first, ...others] = stateSets;
  if (first === undefined) return new Map();
  if (others.length === 0) return new Map(first);
  return rules.stateResolution === 'v1' ? resolveStateV1(stateSets, input, rules) : resolveStateV2(stateSets, input, rules);
}
