import { expect, test } from 'vitest';
import { createFairSlots, TooManyWaiting } from './fair-slots.ts';

/** Work that is done when it is told to be, and notes when it began. */
function start(options: Parameters<typeof createFairSlots>[0]) {
  const slots = createFairSlots(options);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, label: string) =>
    slots.run(name, async () => {
      begun.push(label);
      await new Promise<void>((resolve) => ends.set(label, resolve));
      return label;
    });
  const end = async (label: string) => {
    ends.get(label)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { run, begun, end };
}

test('whoever brings much waits behind itself, not before others', async () => {
  const { run, begun, end } = start({ total: 1, perName: 1, maxWaiting: 10 });
  const all = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1')];
  for (const label of ['a1', 'a2', 'b1', 'a3']) await end(label);
  expect(begun.toSorted()).toEqual(['a1', 'a2', 'a3', 'b1']);
  expect(begun.indexOf('b1')).toBeLessThan(begun.indexOf('a3'));
  for (const label of ['b1', 'a3']) await end(label);
  await expect(Promise.all(all)).resolves.toEqual(['a1', 'a2', 'a3', 'b1']);
});

test('one name has no more slots than it may, though others are free', async () => {
  const { run, begun, end } = start({ total: 3, perName: 2, maxWaiting: 10 });
  const all = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1')];
  expect(begun).toEqual(['a1', 'a2', 'b1']);
  for (const label of ['b1', 'a1', 'a2', 'a3']) await end(label);
  await expect(Promise.all(all)).resolves.toHaveLength(4);
});

test('a line that is full refuses whoever filled it, and nobody else; what fails makes room too', async () => {
  const slots = createFairSlots({ total: 1, perName: 1, maxWaiting: 1 });
  const fail = () => Promise.reject(new Error('no'));
  const first = slots.run('a', fail);
  const second = slots.run('a', fail);
  await expect(slots.run('a', fail)).rejects.toBeInstanceOf(TooManyWaiting);
  const other = slots.run('b', async () => 'b');
  await expect(first).rejects.toThrow('no');
  await expect(second).rejects.toThrow('no');
  await expect(other).resolves.toBe('b');
  await expect(slots.run('a', async () => 'a')).resolves.toBe('a');
});
