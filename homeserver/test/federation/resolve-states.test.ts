import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { resolveState } from 'federation-spec/state-resolution/resolve-state.ts';
import { expect, test } from 'vitest';
import type { HotRoom } from '../../src/domain/rooms/hot-room.ts';
import { readPdu } from '../../src/domain/rooms/read-pdu.ts';
import { loadStateAt, loadStateBefore, type NidState } from '../../src/domain/rooms/receive-pdu/nid-state.ts';
import type { ResolutionJob } from '../../src/domain/rooms/receive-pdu/resolution-job.ts';
import { createResolutionThread } from '../../src/domain/rooms/receive-pdu/resolution-thread.ts';
import { createResolveStates } from '../../src/domain/rooms/receive-pdu/resolve-states.ts';
import { listEventsById, type StoredEvent } from '../../src/storage/events.ts';
import { startRooms } from '../kit/start-rooms.ts';

type Kit = Awaited<ReturnType<typeof startRooms>>;
const NAMES = ['romeo', 'juliet', 'mercutio', 'tybalt', 'paris'];

/** Numbers that look random and are the same in every run. */
function createDice(seed: number) {
  let state = seed;
  return (sides: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * sides);
  };
}

/** A room in which people come, go, are promoted, banned and let in again, and rename everything. */
async function makeHistory(kit: Kit, version: string, dice: (sides: number) => number): Promise<HotRoom> {
  const users = await Promise.all(NAMES.map((name) => kit.user(name)));
  const [romeo] = users;
  if (romeo === undefined) throw new Error('nobody is there');
  const levels = (count: number) => ({
    users: Object.fromEntries(
      users.slice(version === '12' ? 1 : 0).map(({ userId }, index) => [userId, index === 0 ? 100 : index < count ? 50 : 0]),
    ),
    state_default: 0,
  });
  const roomId = await kit.createRoomForUser(romeo, { preset: 'public_chat', version, powerLevelOverride: levels(2) });
  for (let index = 0; index < 120; index += 1) {
    const actor = users[dice(users.length)] ?? romeo;
    const target = users[dice(users.length)] ?? romeo;
    const acts: (() => Promise<unknown>)[] = [
      () => kit.memberships.join(actor, { roomId, via: [] }),
      () => kit.memberships.leave(actor, { roomId }),
      () => kit.memberships.ban(actor, { roomId, target: target.userId }),
      () => kit.memberships.unban(actor, { roomId, target: target.userId }),
      () => send(actor, 'm.room.name', '', { name: `name ${index}` }),
      () => send(actor, 'm.room.topic', '', { topic: `topic ${index}` }),
      () => send(romeo, 'm.room.power_levels', '', levels(1 + dice(users.length))),
      () => send(actor, 'm.room.join_rules', '', { join_rule: dice(2) === 0 ? 'public' : 'invite' }),
    ];
    // What the rules refuse does not happen.
    await acts[dice(acts.length)]?.().catch(() => undefined);
  }
  const room = await kit.rooms.load(roomId);
  if (room === undefined) throw new Error('the room is not there');
  return room;

  function send(
    actor: { userId: string; userNid: number },
    type: string,
    stateKey: string,
    content: Record<string, string | number | object>,
  ) {
    return kit.sendEvent({ roomId, sender: actor.userId, senderNid: actor.userNid, type, stateKey, content: content as never });
  }
}

/** By the plain algorithm, with all events of the room before it. */
function resolvePlainly(room: HotRoom, events: readonly StoredEvent[], states: readonly NidState[]): NidState {
  const byNid = new Map(events.map((event) => [event.eventNid, event]));
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const parsed = new Map(events.map((event) => [event.eventId, readPdu(event.json)]));
  const stateSets = states.map((state) => {
    const ids = [...state.values()].map((nid) => byNid.get(nid)?.eventId ?? '');
    return new Map(ids.map((id) => [stateKeyOf(parsed.get(id)?.type ?? '', parsed.get(id)?.state_key ?? ''), id]));
  });
  const resolved = resolveState({ rules: room.rules, stateSets, findEvent: (id) => parsed.get(id), isRejected: () => false });
  return new Map([...resolved.values()].map((id) => [byId.get(id)?.keyNid ?? 0, byId.get(id)?.eventNid ?? 0]));
}

const sorted = (state: NidState) => [...state].sort(([a], [b]) => a - b);

test.each(['1', '2', '9', '10', '12'])(
  'S11: states of version %s that are resolved by numbers come out as by the plain algorithm',
  { timeout: 60_000 },
  async (version) => {
    await using kit = await startRooms();
    await using thread = createResolutionThread();
    const dice = createDice(Number(version) * 7 + 1);
    const room = await makeHistory(kit, version, dice);
    const { sql } = kit.database;
    const ids = await sql<{ id: string }[]>`select event_id as id from events where room_nid = ${room.nid} order by position`;
    const events = await listEventsById(
      sql,
      ids.map((row) => row.id),
    );
    const positions = events.flatMap((event) => event.position ?? []);
    const resolveStates = createResolveStates({ sql, thread });
    const last = { at: kit.log.position(), state: await loadStateAt(sql, room.nid, kit.log.position()) };

    for (let round = 0; round < 25; round += 1) {
      const states: NidState[] = [];
      for (let index = 0; index < 2 + dice(4); index += 1)
        states.push(await loadStateAt(sql, room.nid, positions[dice(positions.length)] ?? 0));
      expect(sorted(await resolveStates(room.rules, states))).toEqual(sorted(resolvePlainly(room, events, states)));
      const event = events[dice(events.length)];
      if (event === undefined) continue;
      const derived = (await loadStateBefore(sql, event, last)) ?? new Map();
      expect(sorted(derived)).toEqual(sorted((await loadStateBefore(sql, event)) ?? new Map()));
    }
  },
);

test('S11: many conflicts are resolved beside the main loop, which goes on meanwhile', { timeout: 60_000 }, async () => {
  await using kit = await startRooms();
  await using thread = createResolutionThread();
  const romeo = await kit.user('romeo');
  const roomId = await kit.createRoomForUser(romeo, { preset: 'public_chat' });
  const fill = (round: number) =>
    Promise.all(
      Array.from({ length: 150 }, (_, key) =>
        kit.sendEvent({ roomId, sender: romeo.userId, senderNid: romeo.userNid, type: 'm.x', stateKey: `${key}`, content: { round } }),
      ),
    );
  await fill(1);
  const before = kit.log.position();
  await fill(2);
  const room = await kit.rooms.load(roomId);
  if (room === undefined) throw new Error('the room is not there');
  const { sql } = kit.database;
  const states = [await loadStateAt(sql, room.nid, before), await loadStateAt(sql, room.nid, kit.log.position())];
  let turns = 0;
  const ticking = setInterval(() => {
    turns += 1;
  }, 1);
  const resolved = await createResolveStates({ sql, thread })(room.rules, states);
  clearInterval(ticking);
  expect(resolved.size).toBe(states[0]?.size);
  expect(turns).toBeGreaterThan(0);
});

/** Events in conflict, all under keys of their own, so that their number alone says how long a resolution takes. */
function heavyJob(count: number): ResolutionJob {
  const events = Array.from({ length: count }, (_, n) => ({
    eventId: `$${n}`,
    isRejected: false,
    json: JSON.stringify({
      type: 'm.x',
      state_key: `${n % 10}`,
      sender: '@a:x',
      origin_server_ts: n,
      auth_events: [],
      prev_events: [],
      content: {},
    }),
  }));
  const stateSets = [0, 1].map((side) =>
    Array.from({ length: 10 }, (_, key): [string, string] => [stateKeyOf('m.x', `${key}`), `$${key + side * 10}`]),
  );
  return { version: '10', stateSets, events, difference: events.map(({ eventId }) => eventId) };
}

test('S11: a room whose states take too long to resolve is given up for a while, and harms no resolution of another room', async () => {
  await using thread = createResolutionThread({ maxJobMs: 1 });
  const [bomb, again, other] = await Promise.allSettled([
    thread.run(1, heavyJob(20_000)),
    thread.run(1, heavyJob(20_000)),
    thread.run(2, heavyJob(150)),
  ]);
  expect(bomb).toMatchObject({ status: 'rejected', reason: { message: 'a state was not resolved within 1 ms' } });
  expect(again).toMatchObject({ status: 'rejected', reason: { message: 'the states of this room take too long to resolve' } });
  expect(other.status).toBe('fulfilled');

  await using patient = createResolutionThread();
  const [first, second] = await Promise.all([patient.run(1, heavyJob(500)), patient.run(2, heavyJob(500))]);
  expect(first.map(([key]) => key)).toEqual(second.map(([key]) => key));
});
