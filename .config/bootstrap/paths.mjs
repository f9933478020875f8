import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
/** What the bootstrap remembers and locks; never committed. */
export const CACHE = `${ROOT}/.cache`;
