import { expect, test } from 'vitest';
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
