import { mkdirSync, writeFileSync } from 'node:fs';
import { splitStateKey, stateKeyOf } from '../../src/events/state-key.ts';
import { ROOM_VERSIONS } from '../../src/room-versions/room-versions.ts';
import { createTestRoom } from '../kit/test-room.ts';
import { STATE_CASES, type StateCase } from './state-cases.ts';

/*
 * Writes `vectors/state-resolution/*.json` from the cases of `state-cases.ts`, where the expected events are named by hand.
 * Run it with `node federation-spec/test/make-vectors/write-state-vectors.ts`.
 */

const FOLDER = new URL('../../vectors/state-resolution/', import.meta.url);

function makeVector(one: StateCase, version: string) {
  const room = createTestRoom(version);
  const { named, stateSets, expected, rejected = [] } = one.make(room);
  const resolved = Object.entries(expected).map(([name, event]) => {
    const space = name.indexOf(' ');
    const [type, stateKey] = [name.slice(0, space), name.slice(space + 1)];
    return { type, state_key: stateKey, event_id: event === null ? null : (named[event]?.eventId ?? missing(event)) };
  });
  const keys = new Set(stateSets.flatMap((stateSet) => [...stateSet.keys()]));
  for (const { type, state_key } of resolved) keys.delete(stateKeyOf(type, state_key));
  for (const key of keys) {
    const values = new Set(stateSets.map((stateSet) => stateSet.get(key)));
    const [eventId] = values;
    if (values.size > 1 || eventId === undefined) continue;
    const { type, stateKey } = splitStateKey(key);
    resolved.push({ type, state_key: stateKey, event_id: eventId });
  }
  return {
    shows: one.shows,
    names: Object.fromEntries(Object.entries(named).map(([name, { eventId }]) => [name, eventId])),
    events: Object.fromEntries(room.events),
    ...(rejected.length === 0 ? {} : { rejected: rejected.map(({ eventId }) => eventId) }),
    state_sets: stateSets.map((stateSet) => [...stateSet.values()]),
    resolved,
  };
}

function missing(name: string): never {
  throw new Error(`no event is named ${name}`);
}

mkdirSync(FOLDER, { recursive: true });
for (const version of ROOM_VERSIONS) {
  const about =
    `State resolution of room version ${version}: the states (lists of event ids) come to one state. ` +
    '`resolved` says for each entry which event it holds, null for none; entries it does not mention are not part of the case.';
  const cases = STATE_CASES.filter((one) => one.versions.includes(version)).map((one) => JSON.stringify(makeVector(one, version)));
  const text = `{\n"about": ${JSON.stringify(about)},\n"room_version": "${version}",\n"cases": [\n${cases.join(',\n')}\n]\n}\n`;
  writeFileSync(new URL(`v${version}.json`, FOLDER), text);
}
