import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { MEMBER } from '../../rooms/hot-room.ts';

/** The most events of a room that one answer brings. */
const MAX_TIMELINE_EVENTS = 100;
const ANY = '*';
const ME = '$ME';

/** Which state is wanted, less what is not: pairs of type and state key, as `stateKeyOf` joins them; `*` is any, `$ME` the user. */
export type StateRule = {
  include: ReadonlySet<string>;
  exclude: ReadonlySet<string>;
  /** Members are told of when they speak, and not for a `*` that stands for any type. */
  isLazy: boolean;
};

/** How much of a room one list or subscription wants. */
export type RoomWish = { timelineLimit: number; state: StateRule };

/** How much of a room is wanted. What one of the rules asks for is told, whatever the others leave out. */
export type RoomConfig = { timelineLimit: number; rules: readonly StateRule[] };

/**
 * What several lists and subscriptions want of one room, together.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4186 ("Combining room configs")
 */
export function combineConfigs(wishes: readonly RoomWish[]): RoomConfig {
  return {
    timelineLimit: Math.min(Math.max(0, ...wishes.map((wish) => wish.timelineLimit)), MAX_TIMELINE_EVENTS),
    rules: [...new Set(wishes.map((wish) => wish.state))],
  };
}

/** Members are told of when they speak, and not before. */
export function isLazy({ rules }: RoomConfig): boolean {
  return rules.some((rule) => rule.isLazy) && !rules.some(wantsAllMembers);
}

function wantsAllMembers({ include, isLazy: isRuleLazy }: StateRule): boolean {
  return include.has(stateKeyOf(MEMBER, ANY)) || (!isRuleLazy && include.has(stateKeyOf(ANY, ANY)));
}

/** Whether this piece of state is asked for by name or by `*`; who is told of for having spoken is not meant. */
export function wantsState({ rules }: RoomConfig, type: string, stateKey: string, userId: string): boolean {
  const keys = stateKey === userId ? [stateKey, ANY, ME] : [stateKey, ANY];
  const has = (pairs: ReadonlySet<string>, ofType: string) => pairs.size > 0 && keys.some((key) => pairs.has(stateKeyOf(ofType, key)));
  return rules.some(({ include, exclude, isLazy: isRuleLazy }) => {
    if (has(exclude, type) || has(exclude, ANY)) return false;
    if (has(include, type)) return true;
    return !(isRuleLazy && type === MEMBER) && has(include, ANY);
  });
}

/** Whether memberships beside the user's own and the speakers' may be wanted. */
export function wantsOtherMembers({ rules }: RoomConfig): boolean {
  const ofMembers = stateKeyOf(MEMBER, '');
  const ofAnyType = stateKeyOf(ANY, '');
  return rules.some(({ include, isLazy: isRuleLazy }) =>
    [...include].some((pair) => {
      if (pair.startsWith(ofMembers)) return pair !== stateKeyOf(MEMBER, ME);
      return pair.startsWith(ofAnyType) && !isRuleLazy && pair !== ofAnyType && pair !== stateKeyOf(ANY, ME);
    }),
  );
}

/** Whether `wider` may want state that `narrower` does not. */
export function wantsMoreState(wider: RoomConfig, narrower: RoomConfig): boolean {
  const [wanted, had] = [wider, narrower].map(({ rules }) => ({
    pairs: new Set(rules.flatMap(({ include, isLazy: isRuleLazy }) => [...include, ...(isRuleLazy ? [''] : [])])),
    excluded: new Set(rules.flatMap(({ exclude }) => [...exclude])),
  }));
  if (wanted === undefined || had === undefined) return false;
  return [...wanted.pairs].some((pair) => !had.pairs.has(pair)) || [...had.excluded].some((pair) => !wanted.excluded.has(pair));
}
