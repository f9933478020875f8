import { expect, test } from 'vitest';
import { systemRandom } from './random.ts';
import { orderByWeight } from './resolve-srv.ts';

const DRAWS = 2_000;
const record = (name: string, weight: number, priority = 10) => ({ name, port: 8448, priority, weight });
const names = (records: readonly { name: string }[]) => records.map(({ name }) => name);

test('of equal priority each record comes first as often as its weight says', () => {
  const records = [record('light', 1), record('heavy', 3), record('none', 0)];
  const firsts = Array.from({ length: DRAWS }, () => orderByWeight(records, systemRandom)[0]?.name);
  const share = (name: string) => firsts.filter((first) => first === name).length / DRAWS;
  // The draw is from 0 to the sum, 4: one of five chances is the weightless one's, one the light one's.
  expect(share('heavy')).toBeGreaterThan(0.5);
  expect(share('light')).toBeGreaterThan(0.1);
  expect(share('none')).toBeGreaterThan(0.1);
});

test('the draw follows the running sum of the weights', () => {
  const records = [record('a', 10), record('b', 20), record('zero', 0)];
  const drawing = (...numbers: number[]) => names(orderByWeight(records, { integer: () => numbers.shift() ?? 0 }));
  expect(drawing(0, 0, 0)).toEqual(['zero', 'a', 'b']);
  expect(drawing(10, 0, 0)).toEqual(['a', 'zero', 'b']);
  expect(drawing(11, 1, 0)).toEqual(['b', 'a', 'zero']);
  expect(drawing(30, 10, 0)).toEqual(['b', 'a', 'zero']);
});

test('priority goes before weight, and nothing is left out', () => {
  const records = [record('second', 100, 20), record('first', 0, 10), record('third', 50, 30), record('also first', 0, 10)];
  for (let index = 0; index < 20; index += 1) {
    const order = names(orderByWeight(records, systemRandom));
    expect(order.slice(0, 2).sort()).toEqual(['also first', 'first']);
    expect(order.slice(2)).toEqual(['second', 'third']);
  }
  expect(orderByWeight([], systemRandom)).toEqual([]);
});
