import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import { checkAuthRules } from '../../src/auth-rules/check-auth-rules.ts';
import { powerLevelOf } from '../../src/auth-rules/power-levels.ts';
import { selectAuthEvents } from '../../src/auth-rules/select-auth-events.ts';
import { listAuthEventIds } from '../../src/events/edges.ts';
import type { Pdu } from '../../src/events/event.ts';
import { stateKeyOf } from '../../src/events/state-key.ts';
import type { RoomVersionRules } from '../../src/room-versions/room-versions.ts';

type FindEvent = (eventId: string) => Pdu | undefined;

/**
 * State resolution 2 and 2.1 word for word as specified, with no thought of cost: every chain is walked whole, every smallest
 * element searched for. Shares with the real one only the auth rules. An event of a state counts as part of that state's chain.
 */
export function resolveNaively(rules: RoomVersionRules, stateSets: Map<string, string>[], findEvent: FindEvent): Map<string, string> {
  const get = (eventId: string): Pdu => findEvent(eventId) ?? fail(`no event ${eventId}`);
  const chainOf = (eventId: string): Set<string> => {
    const chain = new Set([eventId]);
    for (const id of chain) for (const cited of listAuthEventIds(get(id))) chain.add(cited);
    return chain;
  };

  const keys = new Set(stateSets.flatMap((stateSet) => [...stateSet.keys()]));
  const unconflicted = new Map<string, string>();
  const conflicted = new Set<string>();
  for (const key of keys) {
    const values = stateSets.map((stateSet) => stateSet.get(key));
    const [first] = values;
    if (first !== undefined && values.every((value) => value === first)) unconflicted.set(key, first);
    else for (const value of values) if (value !== undefined) conflicted.add(value);
  }

  const chains = stateSets.map((stateSet) => new Set([...stateSet.values()].flatMap((eventId) => [...chainOf(eventId)])));
  const everything = new Set(chains.flatMap((chain) => [...chain]));
  const full = new Set(conflicted);
  for (const eventId of everything) if (!chains.every((chain) => chain.has(eventId))) full.add(eventId);
  if (rules.stateResolution === 'v2.1') {
    const behindConflicted = [...conflicted].map(chainOf);
    for (const eventId of everything) {
      const isBehind = behindConflicted.some((chain) => chain.has(eventId));
      if (isBehind && [...chainOf(eventId)].some((id) => conflicted.has(id))) full.add(eventId);
    }
  }

  const authState = (event: Pdu, resolved: Map<string, string>) => {
    const found: Pdu[] = [];
    for (const pair of [{ type: 'm.room.create', stateKey: '' }, ...selectAuthEvents({ ...event, stateKey: event.state_key }, rules)]) {
      const key = stateKeyOf(pair.type, pair.stateKey);
      const cited = listAuthEventIds(event).find((id) => stateKeyOf(get(id).type, get(id).state_key ?? '') === key);
      const implied = rules.createEventIdIsRoomId && pair.type === 'm.room.create' ? `$${event.room_id?.slice(1)}` : undefined;
      const eventId = resolved.get(key) ?? cited ?? implied;
      if (eventId !== undefined && event.type !== 'm.room.create') found.push(get(eventId));
    }
    return createAuthState(found);
  };
  const replay = (eventIds: string[], resolved: Map<string, string>): void => {
    for (const eventId of eventIds) {
      const event = get(eventId);
      if (checkAuthRules(event, authState(event, resolved), rules).allowed) {
        resolved.set(stateKeyOf(event.type, event.state_key ?? ''), eventId);
      }
    }
  };

  const isPowerEvent = (event: Pdu): boolean =>
    event.type === 'm.room.power_levels' ||
    event.type === 'm.room.join_rules' ||
    (event.type === 'm.room.member' && event.sender !== event.state_key && ['leave', 'ban'].includes(String(event.content['membership'])));
  const powerEvents = new Set([...full].filter((eventId) => isPowerEvent(get(eventId))));
  for (const eventId of powerEvents) for (const cited of listAuthEventIds(get(eventId))) if (full.has(cited)) powerEvents.add(cited);

  const powerOf = (eventId: string): number => powerLevelOf(get(eventId).sender, authState(get(eventId), new Map()), rules);
  const isLess = (a: string, b: string): boolean => {
    if (powerOf(a) !== powerOf(b)) return powerOf(a) > powerOf(b);
    return isEarlier(get(a), a, get(b), b);
  };
  const ordered: string[] = [];
  const left = new Set(powerEvents);
  while (left.size > 0) {
    const ready = [...left].filter((eventId) => listAuthEventIds(get(eventId)).every((cited) => !left.has(cited)));
    const smallest = ready.reduce((best, eventId) => (isLess(eventId, best) ? eventId : best));
    ordered.push(smallest);
    left.delete(smallest);
  }
  const resolved = new Map(rules.stateResolution === 'v2.1' ? [] : unconflicted);
  replay(ordered, resolved);

  const powerLevelsOf = (eventId: string): string | undefined =>
    listAuthEventIds(get(eventId)).find((id) => get(id).type === 'm.room.power_levels');
  const mainline: string[] = [];
  for (let id = resolved.get(stateKeyOf('m.room.power_levels', '')); id !== undefined; id = powerLevelsOf(id)) mainline.push(id);
  const positionOf = (eventId: string): number => {
    for (let id = powerLevelsOf(eventId); id !== undefined; id = powerLevelsOf(id)) if (mainline.includes(id)) return mainline.indexOf(id);
    return Number.POSITIVE_INFINITY;
  };
  const rest = [...full].filter((eventId) => !powerEvents.has(eventId));
  rest.sort((a, b) => {
    const [positionA, positionB] = [positionOf(a), positionOf(b)];
    if (positionA !== positionB) return positionA > positionB ? -1 : 1;
    return isEarlier(get(a), a, get(b), b) ? -1 : 1;
  });
  replay(rest, resolved);
  return new Map([...resolved, ...unconflicted]);
}

function isEarlier(a: Pdu, idOfA: string, b: Pdu, idOfB: string): boolean {
  return a.origin_server_ts === b.origin_server_ts ? idOfA < idOfB : a.origin_server_ts < b.origin_server_ts;
}

function fail(message: string): never {
  throw new Error(message);
}
