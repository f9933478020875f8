import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { type Allowance, createBuckets } from '../../../platform/buckets.ts';
import type { Clock } from '../../../platform/clock.ts';
import { limitExceeded } from '../../../platform/matrix-error.ts';

/** What passes (typing, presence) or comes again (how far somebody has read): more of it is left out. So many people cost as one EDU. */
const PASSING: Allowance = { perSecond: 100, burst: 1_000 };
const PEOPLE_PER_UNIT = 20;
/** What must not be lost (messages to devices, by how many there are, and changes of their keys): more of it is to come again later. */
const KEPT: Allowance = { perSecond: 200, burst: 20_000 };
const KEPT_TYPES: ReadonlySet<unknown> = new Set(['m.direct_to_device', 'm.device_list_update', 'm.signing_key_update']);
const MAX_REMEMBERED_ORIGINS = 10_000;

/** How much one server may say beside events, so that it neither fills the store nor keeps everybody's clients awake. */
export type EduBudget = {
  /** Takes what the kept ones among a transaction's EDUs cost. Throws M_LIMIT_EXCEEDED, having taken nothing, when it is too much. */
  takeKept: (origin: string, edus: readonly JsonObject[]) => void;
  /** Whether one more EDU that passes may be taken in. */
  mayPass: (origin: string, edu: JsonObject) => boolean;
};

export function createEduBudget({ clock, isLimited }: { clock: Clock; isLimited: boolean }): EduBudget {
  const take = createBuckets({ clock, maxBuckets: 2 * MAX_REMEMBERED_ORIGINS });

  return {
    takeKept: (origin, edus) => {
      const cost = edus.reduce((sum, edu) => sum + costOf(edu), 0);
      if (!isLimited || cost === 0) return;
      // Nobody is told to come again with what never fits.
      const waitMs = take(`kept ${origin}`, KEPT, Math.min(cost, KEPT.burst));
      if (waitMs > 0) throw limitExceeded(waitMs);
    },
    mayPass: (origin, edu) => !isLimited || KEPT_TYPES.has(edu['edu_type']) || take(`passing ${origin}`, PASSING, weightOf(edu)) === 0,
  };
}

/** A message to devices costs as much as there are devices that it names. */
function costOf({ edu_type: type, content }: JsonObject): number {
  if (!KEPT_TYPES.has(type)) return 0;
  const messages = isJsonObject(content) ? content['messages'] : undefined;
  if (type !== 'm.direct_to_device' || !isJsonObject(messages)) return 1;
  return Math.max(
    1,
    Object.values(messages).reduce<number>((sum, byDevice) => sum + (isJsonObject(byDevice) ? Object.keys(byDevice).length : 0), 0),
  );
}

/** How much somebody reads, or comes and goes, costs by how many people an EDU tells of. */
function weightOf({ content }: JsonObject): number {
  if (!isJsonObject(content)) return 1;
  const push = content['push'];
  const people = Array.isArray(push) ? push.length : Object.values(content).reduce<number>((sum, ofRoom) => sum + countPeople(ofRoom), 0);
  return Math.min(PASSING.burst, Math.max(1, Math.ceil(people / PEOPLE_PER_UNIT)));
}

/** Of a receipt by room and type, or by room alone. */
function countPeople(ofRoom: JsonValue): number {
  if (!isJsonObject(ofRoom)) return 0;
  const read = ofRoom['m.read'];
  return Object.keys(isJsonObject(read) ? read : ofRoom).length;
}
