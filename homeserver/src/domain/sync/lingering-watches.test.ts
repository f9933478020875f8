import { expect, test } from 'vitest';
import { createNotifier } from '../streams/notifier.ts';
import { createLingeringWatches } from './lingering-watches.ts';

const DEVICE = { userNid: 1, userId: '@romeo:hs.test', deviceId: 'LUTE' };

function setUp() {
  const notifier = createNotifier();
  let now = 1_000;
  const watches = createLingeringWatches({ clock: { now: () => now } });
  return { notifier, watches, pass: (ms: number) => (now += ms) };
}

test('who comes back with the token of the last answer finds the watch, which knows of what was committed meanwhile', () => {
  const { notifier, watches } = setUp();
  watches.keep(DEVICE, 's1', notifier.watchUser(1));
  const quiet = watches.take(DEVICE, 's1');
  expect(quiet?.isQuiet()).toBe(true);
  if (quiet !== undefined) watches.keep(DEVICE, 's2', quiet);
  notifier.wakeUsers([1]);
  expect(watches.take(DEVICE, 's2')?.isQuiet()).toBe(false);
});

test('another token, another device and a second request find none', () => {
  const { notifier, watches } = setUp();
  watches.keep(DEVICE, 's1', notifier.watchUser(1));
  expect(watches.take(DEVICE, 's0')).toBeUndefined();
  expect(watches.take({ ...DEVICE, deviceId: 'HARP' }, 's1')).toBeUndefined();
  expect(watches.take(DEVICE, 's1')).toBeDefined();
  expect(watches.take(DEVICE, 's1')).toBeUndefined();
});

test('a watch whose client stays away ends', () => {
  const { notifier, watches, pass } = setUp();
  const left = notifier.watchUser(1);
  watches.keep(DEVICE, 's1', left);
  pass(60_000);
  watches.keep({ ...DEVICE, userNid: 2 }, 's1', notifier.watchUser(2));
  expect(watches.take(DEVICE, 's1')).toBeUndefined();
  notifier.wakeUsers([1]);
  expect(left.isQuiet()).toBe(true); // nobody tells it any more
});
