import { mkdirSync, writeFileSync } from 'node:fs';
import type { Pdu } from '../../src/events/event.ts';
import { stateKeyOf } from '../../src/events/state-key.ts';
import { ROOM_VERSIONS } from '../../src/room-versions/room-versions.ts';
import { ALICE, BOB, CAROL, createTestRoom, EVE, joinOf, joinRuleBy, membershipBy, type State, type TestRoom } from '../kit/test-room.ts';
import { AUTH_CASES, type AuthCase, IVAN, KATE } from './auth-cases.ts';

/*
 * Writes `vectors/auth-rules/v*.json` from the cases of `auth-cases.ts`. The verdicts are written by hand there; only the events are
 * filled in, because in most versions their ids are hashes. Run it with `node federation-spec/test/make-vectors/write-auth-vectors.ts`.
 */

const FOLDER = new URL('../../vectors/auth-rules/', import.meta.url);

const PREV_EVENTS = {
  nothing: () => [],
  another: () => ['$previous'],
  create: (createId: string) => [createId],
  'create and another': (createId: string) => [createId, '$previous'],
};

function beginRoom(room: TestRoom, one: AuthCase): State {
  const begun = room.begin({
    create: one.create ?? {},
    ...(one.create?.['additional_creators'] === undefined ? {} : { users: { [CAROL]: 0 } }),
  });
  const drafts = [joinOf(BOB), joinOf(CAROL), membershipBy(BOB, EVE, 'ban'), membershipBy(ALICE, IVAN, 'invite')];
  if (room.rules.knocking) drafts.push(membershipBy(KATE, KATE, 'knock'));
  drafts.push(joinRuleBy(ALICE, 'invite'), ...(one.more ?? []));
  const state = room.sendAll(begun, drafts).at(-1)?.state ?? begun;
  for (const entry of one.without ?? []) {
    const [type = '', stateKey = ''] = entry.split(' ');
    state.delete(stateKeyOf(type, stateKey));
  }
  return state;
}

function writeVersion(version: string): void {
  const names = new Map<string, string>();
  const events: Record<string, Pdu> = {};
  const nameOf = (event: Pdu): string => {
    const text = JSON.stringify(event);
    const known = names.get(text);
    if (known !== undefined) return known;
    const base = `${event.type.replace('m.room.', '')}${event.state_key === '' ? '' : ` ${event.state_key}`}`;
    const count = Object.keys(events).filter((name) => name === base || name.startsWith(`${base} #`)).length;
    const name = count === 0 ? base : `${base} #${count + 1}`;
    names.set(text, name);
    events[name] = event;
    return name;
  };

  const cases = AUTH_CASES.filter(({ from = 1, to = 12 }) => from <= Number(version) && Number(version) <= to).map((one) => {
    const room = createTestRoom(version);
    const state = beginRoom(room, one);
    const createId = [...room.events.keys()][0] ?? '';
    const { patch = {}, ...draft } = one.event;
    const isCreate = draft.type === 'm.room.create';
    const roomId = room.roomId;
    const { event } = room.send(state, { ...draft, prevEvents: PREV_EVENTS[one.follows ?? (isCreate ? 'nothing' : 'another')](createId) });
    const judged = { ...event, ...(isCreate ? {} : { room_id: roomId }), ...patch };
    return {
      shows: one.shows,
      state: [...state.values()].map((id) => nameOf(room.events.get(id) as Pdu)),
      event: judged,
      allowed: one.allowed,
    };
  });
  const about = `Decisions of the authorisation rules of room version ${version}: may \`event\` be, given the state made of the named \`events\`?`;
  const lines = [
    '{',
    `"about": ${JSON.stringify(about)},`,
    `"room_version": ${JSON.stringify(version)},`,
    '"events": {',
    Object.entries(events)
      .map(([name, event]) => `${JSON.stringify(name)}: ${JSON.stringify(event)}`)
      .join(',\n'),
    '},',
    '"cases": [',
    cases.map((one) => JSON.stringify(one)).join(',\n'),
    ']',
    '}',
    '',
  ];
  writeFileSync(new URL(`v${version}.json`, FOLDER), lines.join('\n'));
}

mkdirSync(FOLDER, { recursive: true });
for (const version of ROOM_VERSIONS) writeVersion(version);
