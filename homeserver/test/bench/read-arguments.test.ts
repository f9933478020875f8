import { expect, test } from 'vitest';
import { measureGrowth, median } from '../../bench/measure.ts';
import { readArguments } from '../../bench/read-arguments.ts';

test('what is asked of the benchmark is read, and everything is measured three times unless said otherwise', () => {
  const options = { targets: [], secrets: [], steps: [], runs: 3, json: undefined, isHelpWanted: false };
  expect(readArguments([], ['B0'])).toEqual({ ok: true, options });
  const args = ['--target', 'http://localhost:1', '--target', 'https://other.test', '--step', 'B0', '--runs', '1', '--json', 'out.json'];
  expect(readArguments(args, ['B0'])).toEqual({
    ok: true,
    options: { ...options, targets: ['http://localhost:1', 'https://other.test'], steps: ['B0'], runs: 1, json: 'out.json' },
  });
});

test('what it does not know is refused in a line that names it', () => {
  for (const [args, named] of [
    [['--wrong'], '--wrong'],
    [['bare'], 'bare'],
    [['--target'], '--target'],
    [['--target', 'localhost'], 'localhost'],
    [['--step', 'B99'], 'B99'],
    [['--runs', 'many'], 'many'],
    [['--runs', '0'], '0'],
  ] as const) {
    const read = readArguments(args, ['B0']);
    expect(read, named).toEqual({ ok: false, reason: expect.stringContaining(named) });
    expect(read.ok ? '' : read.reason, named).not.toContain('\n');
  }
});

test('growth is measured in turns, and both sides’ failures are counted', async () => {
  const turns: string[] = [];
  const figures = await measureGrowth(
    4,
    async (index) => void turns.push(`small ${index}`),
    async (index) => {
      turns.push(`large ${index}`);
      if (index === 3) throw new Error('too large');
    },
  );
  expect(turns).toEqual(['small 0', 'large 0', 'large 1', 'small 1', 'small 2', 'large 2', 'large 3', 'small 3']);
  expect(figures).toMatchObject({ operations: 4, errors: 1, growth: { p50: expect.any(Number), p95: expect.any(Number) } });
  const runs = [3, 1, 2].map((p50) => ({ ...figures, growth: { p50, p95: 10 * p50 } }));
  expect(median(runs).growth).toEqual({ p50: 2, p95: 20 });
});
