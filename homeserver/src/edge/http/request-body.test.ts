import { expect, test } from 'vitest';
import { createBodyBudgets } from './body-budget.ts';
import { RequestBody } from './request-body.ts';

/** What the connection was told last. */
function createThrottle() {
  const state = { isPaused: false };
  return {
    state,
    throttle: {
      pause: () => {
        state.isPaused = true;
      },
      resume: () => {
        state.isPaused = false;
      },
    },
  };
}

const CHUNK = new ArrayBuffer(100_000);

test('a connection whose body came while it was told to wait carries the next request', () => {
  const { state, throttle } = createThrottle();
  const body = new RequestBody(throttle);
  body.push(CHUNK, false);
  expect(state.isPaused).toBe(true);
  body.push(CHUNK, true);
  expect(state.isPaused).toBe(false);
});

test('a body that nobody reads on is dropped, and does not hold the connection', async () => {
  const { state, throttle } = createThrottle();
  const body = new RequestBody(throttle);
  const reader = body.stream();
  body.push(CHUNK, false);
  expect(state.isPaused).toBe(true);
  reader.destroy();
  body.abandon();
  expect(state.isPaused).toBe(false);
  body.push(CHUNK, false);
  body.push(CHUNK, true);
  expect(state.isPaused).toBe(false);
});

test('S30: large bodies that arrive slowly take only so much memory together; small ones always find room', async () => {
  const budgets = createBodyBudgets({ all: 250_000, ofOne: 250_000 });
  let bodies = 0;
  const begin = () => {
    bodies += 1;
    const body = new RequestBody(createThrottle().throttle);
    return { body, read: body.readAll(1_000_000, budgets.of(`192.0.2.${bodies}`)) };
  };
  const slow = [begin(), begin(), begin()];
  for (const { body } of slow.slice(0, 2)) for (let n = 0; n < 2; n += 1) body.push(CHUNK.slice(0, 90_000), false);
  const refused = expect(slow[2]?.read).rejects.toMatchObject({ status: 429, errcode: 'M_LIMIT_EXCEEDED' });
  slow[2]?.body.push(CHUNK, false);
  await refused;
  const small = begin();
  small.body.push(CHUNK.slice(0, 10_000), true);
  expect(await small.read).toHaveLength(10_000);

  slow[0]?.body.push(CHUNK.slice(0, 1_000), true);
  expect(await slow[0]?.read).toHaveLength(181_000);
  const gone = expect(slow[1]?.read).rejects.toThrow('hung up');
  slow[1]?.body.fail(new Error('the client hung up'));
  await gone;
  const next = begin();
  next.body.push(new ArrayBuffer(300_000), true);
  expect(await next.read).toHaveLength(300_000);
});

test('S30: what one address sends takes only its part of the memory, and leaves the rest to others', async () => {
  const budgets = createBodyBudgets({ all: 1_000_000, ofOne: 250_000 });
  const begin = (network: string) => {
    const body = new RequestBody(createThrottle().throttle);
    return { body, read: body.readAll(1_000_000, budgets.of(network)) };
  };
  const held = [begin('192.0.2.1'), begin('192.0.2.1')];
  for (const { body } of held) body.push(new ArrayBuffer(180_000), false);
  const oneTooMany = begin('192.0.2.1');
  const refused = expect(oneTooMany.read).rejects.toMatchObject({ status: 429, errcode: 'M_LIMIT_EXCEEDED' });
  oneTooMany.body.push(new ArrayBuffer(180_000), false);
  await refused;
  const other = begin('192.0.2.2');
  other.body.push(new ArrayBuffer(180_000), true);
  expect(await other.read).toHaveLength(180_000);

  for (const { body } of held) body.push(new ArrayBuffer(0), true);
  await Promise.all(held.map(({ read }) => read));
  const again = begin('192.0.2.1');
  again.body.push(new ArrayBuffer(300_000), true);
  expect(await again.read).toHaveLength(300_000);
});
