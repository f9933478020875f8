/** What a step took: operations a second, and the time of single ones. */
export type Figures = {
  operations: number;
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
  errors: number;
  /** How many times as long as the same on something small, measured in turns with it; for steps about growth. */
  growth?: Growth;
};
export type Growth = { p50: number; p95: number };

type Timing = { times: number[]; errors: number };

/** Runs `operations` in all, `atOnce` of them under way at any time. */
export async function measure(operations: number, atOnce: number, run: (index: number) => Promise<unknown>): Promise<Figures> {
  const timing: Timing = { times: [], errors: 0 };
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let index = next++; index < operations; index = next++) await time(timing, () => run(index));
    }),
  );
  return figuresOf(timing, performance.now() - startedAt);
}

/**
 * The same work on something small and on something large, one after the other and in turns, so that whatever else the machine does meets
 * both: the figures of the large, and their ratio to those of the small.
 */
export async function measureGrowth(
  operations: number,
  onSmall: (index: number) => Promise<unknown>,
  onLarge: (index: number) => Promise<unknown>,
): Promise<Figures> {
  const [small, large]: [Timing, Timing] = [
    { times: [], errors: 0 },
    { times: [], errors: 0 },
  ];
  for (let index = 0; index < operations; index += 1) {
    const turns = [() => time(small, () => onSmall(index)), () => time(large, () => onLarge(index))];
    for (const turn of index % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const [few, many] = [figuresOf(small, sum(small.times)), figuresOf(large, sum(large.times))];
  return { ...many, errors: few.errors + many.errors, growth: { p50: many.p50Ms / few.p50Ms, p95: many.p95Ms / few.p95Ms } };
}

async function time(timing: Timing, run: () => Promise<unknown>): Promise<void> {
  const begunAt = performance.now();
  try {
    await run();
  } catch {
    timing.errors += 1;
  }
  timing.times.push(performance.now() - begunAt);
}

function figuresOf({ times, errors }: Timing, elapsedMs: number): Figures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const perSecond = sorted.length / (elapsedMs / 1000);
  return { operations: sorted.length, perSecond, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1), errors };
}

const sum = (times: readonly number[]): number => times.reduce((total, ms) => total + ms, 0);

/** The middle one of several runs, by speed; of the growth, the middle ratios. */
export function median(runs: readonly Figures[]): Figures {
  const figures = middle(runs.toSorted((a, b) => a.perSecond - b.perSecond));
  const growths = runs.flatMap(({ growth }) => (growth === undefined ? [] : [growth]));
  if (growths.length === 0) return figures;
  const middleOf = (ratio: keyof Growth) => middle(growths.map((growth) => growth[ratio]).toSorted((a, b) => a - b));
  return { ...figures, growth: { p50: middleOf('p50'), p95: middleOf('p95') } };
}

function middle<Value>(sorted: readonly Value[]): Value {
  const value = sorted[Math.floor(sorted.length / 2)];
  if (value === undefined) throw new Error('there was no run');
  return value;
}
