import { writeFile } from 'node:fs/promises';
import { type OwnTarget, openTarget, type Target } from './http-user.ts';
import { type Figures, median } from './measure.ts';
import { createAuthority, startOwnServer } from './own-server.ts';
import { type BenchOptions, readArguments } from './read-arguments.ts';
import { STEPS } from './steps.ts';

const HELP = `npm run bench -- [--target URL]… [--secret SECRET]… [--step ID]… [--runs 3] [--json FILE]

Measures any Matrix homeserver through its public API, side by side when more than one target is given; without a target, a homeserver of
this checkout is started. Accounts are made by open registration, or by the registration secret given for the target of the same place.
What counts is the ratio between targets of one run: single figures vary with the machine.

${STEPS.map((step) => `  ${step.id.padEnd(10)}${step.about}`).join('\n')}`;

const OWN_PORT = 8_489;

type Row = { step: string; target: string; figures: Figures };

async function bench({ targets: urls, secrets, steps, runs, json }: BenchOptions): Promise<void> {
  const authority = await createAuthority();
  const own = urls.length === 0 ? await startOwnServer(OWN_PORT, authority) : undefined;
  const ownTargets: OwnTarget[] =
    own === undefined
      ? []
      : [{ ...openTarget(own.url, own.url, undefined), serverName: own.name, authority, peakMegabytes: own.peakMegabytes }];
  const targets = own === undefined ? urls.map((url, index) => openTarget(url, url, secrets[index])) : ownTargets;
  const rows: Row[] = [];
  try {
    for (const step of STEPS.filter(({ id }) => steps.length === 0 || steps.includes(id))) {
      process.stderr.write(`${step.id}: ${step.about}\n`);
      if (step.needsOwn === true && own === undefined) {
        process.stderr.write('  left out: it needs the homeserver that is started here (no --target)\n');
        continue;
      }
      const results = step.needsOwn === true ? await runStep(runs, step.run, ownTargets) : await runStep(runs, step.run, targets);
      for (const { target, figures } of results) rows.push({ step: step.id, target: target.name, figures });
    }
  } finally {
    for (const target of targets) await target.pool.close();
    await own?.stop();
    await authority[Symbol.asyncDispose]();
  }
  print(rows);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(rows, undefined, 2)}\n`);
}

/** The targets take turns, run by run, so that a change of the machine's speed meets them all. */
async function runStep<Measured extends Target>(
  times: number,
  measureStep: (target: Measured) => Promise<Figures>,
  targets: readonly Measured[],
): Promise<{ target: Target; figures: Figures }[]> {
  const runs = new Map<Measured, Figures[]>(targets.map((target) => [target, []]));
  for (let run = 1; run <= times; run += 1) {
    for (const target of targets) {
      const figures = await measureStep(target);
      runs.get(target)?.push(figures);
      process.stderr.write(
        `  run ${run} ${target.name}: ${figures.perSecond.toFixed(1)}/s, p99 ${figures.p99Ms.toFixed(1)} ms${toldGrowth(figures)}\n`,
      );
    }
  }
  return targets.map((target) => ({ target, figures: median(runs.get(target) ?? []) }));
}

function print(rows: readonly Row[]): void {
  const first = new Map<string, number>();
  for (const { step, target, figures } of rows) {
    const base = first.get(step) ?? figures.perSecond;
    first.set(step, base);
    const times = [figures.p50Ms, figures.p95Ms, figures.p99Ms, figures.maxMs].map((ms) => ms.toFixed(1).padStart(8)).join('');
    const ratio = (figures.perSecond / base).toFixed(2);
    console.log(
      `${step.padEnd(10)}${target.padEnd(32)}${figures.perSecond.toFixed(1).padStart(10)}/s  ×${ratio}${times} ms  ${figures.errors} errors${toldGrowth(figures)}`,
    );
  }
  console.log('        columns: operations a second, ratio to the first target, p50, p95, p99, max');
}

function toldGrowth({ growth }: Figures): string {
  return growth === undefined ? '' : `  ×${growth.p50.toFixed(2)} of the small one’s time (p95 ×${growth.p95.toFixed(2)})`;
}

const read = readArguments(
  process.argv.slice(2),
  STEPS.map(({ id }) => id),
);
if (!read.ok) {
  console.error(`${read.reason}. Run with --help to see all options.`);
  process.exitCode = 2;
} else if (read.options.isHelpWanted) console.log(HELP);
else await bench(read.options);
