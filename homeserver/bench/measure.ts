/** What a step took: operations a second, and the time of single ones. */
export type Figures = { operations: number; perSecond: number; p50Ms: number; p95Ms: number; p99Ms: number; maxMs: number; errors: number };

/** Runs `operations` in all, `atOnce` of them under way at any time. */
export async function measure(operations: number, atOnce: number, run: (index: number) => Promise<unknown>): Promise<Figures> {
  const times: number[] = [];
  let errors = 0;
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let index = next++; index < operations; index = next++) {
        const begunAt = performance.now();
        try {
          await run(index);
        } catch {
          errors += 1;
        }
        times.push(performance.now() - begunAt);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return { operations, perSecond: operations / seconds, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1), errors };
}

/** The middle one of several runs, by speed. */
export function median(runs: readonly Figures[]): Figures {
  const sorted = [...runs].sort((a, b) => a.perSecond - b.perSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('there was no run');
  return middle;
}
