import { readFileSync } from 'node:fs';

/** The parsed content of a file below `vectors/`. */
export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8'));
}
