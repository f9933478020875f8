import { invalidParam } from '../../platform/matrix-error.ts';
import { isStorableText } from './read-json-body.ts';

/** More than any endpoint has. */
const MAX_PARAMETERS = 100;

/** Query parameters as text; one that is given more than once is a list. `search` begins after the question mark. */
export function readQuery(search: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  if (search === '') return query;
  let count = 0;
  for (const [name, value] of new URLSearchParams(search)) {
    count += 1;
    if (count > MAX_PARAMETERS) throw invalidParam(`A request may have at most ${MAX_PARAMETERS} query parameters`);
    if (!isStorableText(name) || !isStorableText(value)) throw invalidParam('Query parameters may not hold NUL');
    const earlier = query[name];
    query[name] = earlier === undefined ? value : [...(Array.isArray(earlier) ? earlier : [earlier]), value];
  }
  return query;
}
