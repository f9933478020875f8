import { allow, refuse, type Verdict } from '../verdict.ts';
import { exactNumberText } from './exact-number.ts';
import { MAX_JSON_DEPTH } from './limits.ts';

type Strictness = { numbers: 'canonical' | 'any' };

/**
 * Whether a parsed value has a canonical JSON form: nested no deeper than `MAX_JSON_DEPTH`, no half surrogate pairs, and, when numbers must
 * be canonical, only integers within ±(2^53 − 1) and no `-0`.
 *
 * https://spec.matrix.org/latest/appendices/#canonical-json
 */
export function checkCanonicalJson(value: unknown, { numbers }: Strictness): Verdict {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const reason = findFault(next.value, numbers);
    if (reason !== undefined) return refuse(reason);
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (next.depth > MAX_JSON_DEPTH) return refuse(`The JSON is nested more than ${MAX_JSON_DEPTH} levels deep.`);
    for (const key of Object.keys(next.value)) {
      if (!key.isWellFormed()) return refuse('A key holds half a surrogate pair.');
      pending.push({ value: Reflect.get(next.value, key), depth: next.depth + 1 });
    }
  }
  return allow();
}

function findFault(value: unknown, numbers: Strictness['numbers']): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'A string holds half a surrogate pair.';
    case 'number':
      if (!Number.isFinite(value)) return 'A number is not finite.';
      if (numbers === 'canonical' && (!Number.isSafeInteger(value) || Object.is(value, -0))) {
        return `The number ${Object.is(value, -0) ? '-0' : value} is not an integer within ±(2^53 − 1).`;
      }
      return undefined;
    case 'object':
      if (value === null || numbers === 'any') return undefined;
      return exactNumberText(value) === undefined
        ? undefined
        : `The number ${exactNumberText(value)} is not an integer within ±(2^53 − 1).`;
    case 'boolean':
    case 'undefined':
      return undefined;
    default:
      return `JSON cannot hold a value of type ${typeof value}.`;
  }
}
