import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LIMITS } from '../../src/edge/http/rate-limit.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type Answer, createNames, type TestUser } from '../kit/test-user.ts';

const V3 = '/_matrix/client/v3';
const enc = encodeURIComponent;
const nameOf = createNames();
const LIMITED = { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) } };
/** The clock stands still: nothing refills while a scene runs. */
const clock = createFakeClock();
let server: TestServer;
let romeo: TestUser;
let crowd: TestUser[];

beforeAll(async () => {
  server = await startServer({ clock, config: { rateLimits: true } });
  await server.user('escalus'); // the first account is an admin, who is held to no limit
  romeo = await server.user('romeo');
  crowd = [];
  for (let n = 0; n < 8; n += 1) crowd.push(await server.user(`crowd${n}`));
});
beforeEach(() => clock.advance(3_600_000));
afterAll(() => server[Symbol.asyncDispose]());

async function repeat(times: number, call: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let index = 0; index < times; index += 1) answers.push(await call(index));
  return answers;
}
const statuses = (answers: readonly Answer[]) => [...new Set(answers.map(({ status }) => status))];

test('S33: nobody takes all names, neither one by one nor with rooms; who waits may take another', async () => {
  const roomId = await romeo.createRoom();
  const name = () => romeo.attempt('PUT', `${V3}/directory/room/${enc(`#${nameOf('name')}:${server.name}`)}`, { room_id: roomId });
  const { burst } = LIMITS['naming-room'];
  expect(statuses(await repeat(burst, name))).toEqual([200]);
  expect(await name()).toMatchObject(LIMITED);
  expect(await romeo.attempt('POST', `${V3}/createRoom`, { room_alias_name: 'another' })).toMatchObject(LIMITED);
  expect((await romeo.attempt('GET', `${V3}/directory/room/${enc(`#another:${server.name}`)}`)).status).toBe(404);
  expect((await romeo.attempt('POST', `${V3}/createRoom`, {})).status).toBe(200);
  clock.advance(1_000);
  expect((await name()).status).toBe(200);
});

const roomsOf = async (user: TestUser) => (await user.call('GET', `${V3}/joined_rooms`))['joined_rooms'] as string[];

test('S33: nobody makes rooms without end, and what was refused is not there', async () => {
  const [maker, other] = crowd as [TestUser, TestUser];
  const before = await roomsOf(maker);
  const { burst } = LIMITS.invite;
  expect(statuses(await repeat(burst, () => maker.attempt('POST', `${V3}/createRoom`, {})))).toEqual([200]);
  expect(await maker.attempt('POST', `${V3}/createRoom`, {})).toMatchObject(LIMITED);
  expect((await roomsOf(maker)).length).toBe(before.length + burst);
  expect((await other.attempt('POST', `${V3}/createRoom`, {})).status).toBe(200);
});

test('S33: one account does not come and go without end, and all together do not run into one room', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const other = await romeo.createRoom({ preset: 'public_chat' });
  const [first, ...others] = crowd as [TestUser, ...TestUser[]];
  const join = (user: TestUser, room = roomId) => user.attempt('POST', `${V3}/rooms/${enc(room)}/join`, {});
  expect(statuses(await repeat(LIMITS.join.burst, () => join(first)))).toEqual([200]);
  expect(await join(first)).toMatchObject(LIMITED);
  expect((await join(others[0] as TestUser)).status).toBe(200);

  let left = LIMITS['joined-room'].burst - LIMITS.join.burst - 1;
  for (const user of others) {
    const mine = Math.min(left, LIMITS.join.burst - 2);
    expect(statuses(await repeat(mine, () => join(user)))).toEqual(mine === 0 ? [] : [200]);
    left -= mine;
  }
  expect(left).toBe(0);
  const last = others.at(-1) as TestUser;
  expect(await join(last)).toMatchObject(LIMITED);
  expect((await join(last, other)).status).toBe(200);
});

test('S33: knocks at one room are held to its measure too', async () => {
  const joinRules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } };
  const roomId = await romeo.createRoom({ preset: 'private_chat', initial_state: [joinRules] });
  const [first] = crowd as [TestUser];
  const knock = () => first.attempt('POST', `${V3}/knock/${enc(roomId)}`, {});
  const answers = await repeat(LIMITS.join.burst, knock);
  expect(statuses(answers)[0]).toBe(200);
  expect(await knock()).toMatchObject(LIMITED);
});
