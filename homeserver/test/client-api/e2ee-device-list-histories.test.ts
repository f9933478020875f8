import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { logInTestUser, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { setUpDevice } from './crypto-device.ts';
import { V3 } from './sign-up-steps.ts';

const PEOPLE = 4;
const ROOMS = 3;
const HISTORIES = 6;
const MAX_STEPS = 30;

type Step =
  | { kind: 'join' | 'leave'; person: number; room: number }
  | { kind: 'device' | 'rename' | 'drop'; person: number }
  | { kind: 'sync'; person: number };

const person = fc.nat({ max: PEOPLE - 1 });
const room = fc.nat({ max: ROOMS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('join' as const, 'leave' as const), person, room }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('device' as const, 'rename' as const, 'drop' as const), person }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('sync' as const), person }) },
);

/** What a person must be told, kept plainly. */
class Model {
  readonly members = Array.from({ length: ROOMS }, () => new Set<number>());
  /** By person: who shared a room with them when they last synced, and whose devices or memberships changed since. */
  readonly shared = Array.from({ length: PEOPLE }, () => new Set<number>());
  readonly devicesChanged = Array.from({ length: PEOPLE }, () => new Set<number>());
  readonly moved = Array.from({ length: PEOPLE }, () => new Set<number>());

  sharers(who: number): Set<number> {
    const rooms = this.members.filter((members) => members.has(who));
    return new Set(rooms.flatMap((members) => [...members]).filter((other) => other !== who));
  }

  noteDevices(who: number): void {
    for (const changed of this.devicesChanged) changed.add(who);
  }

  noteMove(who: number): void {
    for (const [other, moved] of this.moved.entries()) {
      if (other !== who) moved.add(who);
      else for (let each = 0; each < PEOPLE; each += 1) moved.add(each);
    }
  }

  check(who: number, told: { changed?: string[]; left?: string[] }, idOf: (n: number) => string): void {
    const now = this.sharers(who);
    const before = this.shared[who] ?? new Set();
    const changed = new Set(told.changed ?? []);
    const left = new Set(told.left ?? []);
    for (let other = 0; other < PEOPLE; other += 1) {
      const id = idOf(other);
      const hasNews = this.devicesChanged[who]?.has(other) === true;
      if (other === who) {
        if (hasNews) expect(changed, 'one’s own devices').toContain(id);
        continue;
      }
      if (now.has(other) && (hasNews || !before.has(other))) expect(changed, 'news of who shares a room').toContain(id);
      if (!now.has(other)) expect(changed, 'no news of a stranger').not.toContain(id);
      if (now.has(other) && before.has(other) && !hasNews && this.moved[who]?.has(other) !== true)
        expect(changed, 'no news').not.toContain(id);
      if (before.has(other) && !now.has(other)) expect(left, 'who shares no room any more').toContain(id);
      if (now.has(other)) expect(left, 'who still shares a room').not.toContain(id);
    }
    this.shared[who] = now;
    this.devicesChanged[who]?.clear();
    this.moved[who]?.clear();
  }
}

test('device lists: random histories of rooms and devices are told as a plain model has it', { timeout: 120_000 }, async () => {
  await using server = await startServer();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: MAX_STEPS, maxLength: MAX_STEPS }), async (steps) => {
      runs += 1;
      const people: TestUser[] = [];
      for (let n = 0; n < PEOPLE; n += 1) people.push(await server.user(`person${runs}x${n}`));
      const owner = await server.user(`owner${runs}`);
      const rooms: string[] = [];
      for (let n = 0; n < ROOMS; n += 1) rooms.push(await owner.createRoom({ preset: 'public_chat' }));
      await play(server.url, steps, { people, rooms });
    }),
    { numRuns: HISTORIES, endOnFailure: true },
  );
});

async function play(url: string, steps: readonly Step[], { people, rooms }: { people: TestUser[]; rooms: string[] }): Promise<void> {
  const model = new Model();
  const spare: TestUser[][] = people.map(() => []);
  const idOf = (n: number) => people[n]?.id ?? '';
  for (const each of people) await each.sync();
  for (const move of steps) {
    const user = people[move.person];
    if (user === undefined) continue;
    if (move.kind === 'join' || move.kind === 'leave') await changeRoom(model, user, move, rooms);
    else if (move.kind === 'sync') model.check(move.person, (await user.sync())['device_lists'] ?? {}, idOf);
    else await changeDevices(url, user, spare[move.person] ?? [], move.kind, () => model.noteDevices(move.person));
  }
  for (let n = 0; n < PEOPLE; n += 1) model.check(n, (await people[n]?.sync())?.['device_lists'] ?? {}, idOf);
}

async function changeRoom(model: Model, user: TestUser, move: { kind: 'join' | 'leave'; person: number; room: number }, rooms: string[]) {
  const members = model.members[move.room];
  const roomId = rooms[move.room] ?? '';
  if (members === undefined || members.has(move.person) === (move.kind === 'join')) return;
  if (move.kind === 'join') await user.join(roomId);
  else await user.leave(roomId);
  if (move.kind === 'join') members.add(move.person);
  else members.delete(move.person);
  model.noteMove(move.person);
}

async function changeDevices(url: string, user: TestUser, spare: TestUser[], kind: 'device' | 'rename' | 'drop', changed: () => void) {
  const last = spare.at(-1);
  if (kind === 'device') {
    const device = await logInTestUser(url, user.id.slice(1, user.id.indexOf(':')));
    await setUpDevice(device);
    spare.push(device);
  } else if (kind === 'rename') {
    await user.call('PUT', `${V3}/devices/${user.deviceId}`, { display_name: `name ${Math.random()}` });
  } else {
    if (last === undefined) return;
    spare.pop();
    const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: user.id }, password: TEST_PASSWORD };
    await user.call('DELETE', `${V3}/devices/${last.deviceId}`, { auth });
  }
  changed();
}
