import { parseArgs } from 'node:util';

/** What is measured, of whom and how often. */
export type BenchOptions = {
  targets: readonly string[];
  /** Of the target at the same place. */
  secrets: readonly string[];
  /** Which steps; all of them when there is none. */
  steps: readonly string[];
  runs: number;
  /** A file that the figures are written to. */
  json: string | undefined;
  isHelpWanted: boolean;
};

const MAX_RUNS = 100;

/** Reads the command line; `knownSteps` are the ids that may be asked for. */
export function readArguments(
  args: readonly string[],
  knownSteps: readonly string[],
): { ok: true; options: BenchOptions } | { ok: false; reason: string } {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
  const { target: targets, secret: secrets, step: steps, json } = values;
  const runs = Number(values.runs);
  const strange = steps.find((step) => !knownSteps.includes(step));
  if (strange !== undefined) return { ok: false, reason: `There is no step ${strange}; the steps are ${knownSteps.join(', ')}` };
  const noUrl = targets.find((target) => !/^https?:\/\//.test(target) || !URL.canParse(target));
  if (noUrl !== undefined) return { ok: false, reason: `--target takes the URL of a homeserver, not ${noUrl}` };
  if (!Number.isSafeInteger(runs) || runs < 1 || runs > MAX_RUNS)
    return { ok: false, reason: `--runs takes a number from 1 to ${MAX_RUNS}, not ${values.runs}` };
  return { ok: true, options: { targets, secrets, steps, runs, json, isHelpWanted: values.help } };
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: 'string', multiple: true, default: [] },
      secret: { type: 'string', multiple: true, default: [] },
      step: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string', default: '3' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}
