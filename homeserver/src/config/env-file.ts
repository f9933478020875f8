import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export type EnvFile = { ok: true; values: Record<string, string | undefined> } | { ok: false; reason: string };

/** Reads the file that `--env-file FILE` (or `--env-file=FILE`) names; nothing when it is not given. The environment wins over it. */
export function parseEnvFile(args: readonly string[]): EnvFile {
  const at = args.findIndex((arg) => arg === '--env-file' || arg.startsWith('--env-file='));
  if (at === -1) return { ok: true, values: {} };
  const path = args[at]?.split('=')[1] ?? args[at + 1];
  if (path === undefined || path === '') return { ok: false, reason: '--env-file needs the path of a file' };
  try {
    return { ok: true, values: parseEnv(readFileSync(path, 'utf8')) };
  } catch {
    return { ok: false, reason: `--env-file: cannot read ${path}` };
  }
}
