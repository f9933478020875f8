import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import type { Irregularity, IrregularityKind } from './irregularity.ts';

/** What no room version can live with: there is no form of it that two servers would hash alike. */
const NEVER_FINE: ReadonlySet<IrregularityKind> = new Set(['number-out-of-range', 'lone-surrogate']);

/** What strict canonical JSON, from room version 6 on, forbids as well. */
const NOT_STRICT: ReadonlySet<IrregularityKind> = new Set(['float', 'big-integer', 'negative-zero', 'duplicate-key']);

/**
 * Whether an event may have these irregularities in its room version. With `under`, only those found below that path count: in a
 * transaction, `['pdus', 3]` is the fourth event.
 *
 * https://spec.matrix.org/latest/rooms/v6/#canonical-json
 */
export function checkIrregularities(
  irregularities: readonly Irregularity[],
  rules: RoomVersionRules,
  under: readonly (string | number)[] = [],
): Verdict {
  for (const { kind, path } of irregularities) {
    if (!under.every((step, i) => path[i] === step)) continue;
    if (NEVER_FINE.has(kind) || (rules.strictCanonicalJson && NOT_STRICT.has(kind))) {
      return refuse(`The JSON has a ${kind} at ${JSON.stringify(path.join('.'))}, which room version ${rules.version} does not allow.`);
    }
  }
  return allow();
}
