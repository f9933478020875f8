import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { MEMBER } from '../../rooms/hot-room.ts';

/** The most events of a room that one answer brings. */
const MAX_TIMELINE_EVENTS = 100;

/** How much of a room is wanted. `requiredState` holds pairs of type and state key, as `stateKeyOf` joins them; `*` is any. */
export type RoomConfig = { timelineLimit: number; requiredState: ReadonlySet<string> };

type Details = { timeline_limit?: number | undefined; required_state?: readonly (readonly [string, string])[] | undefined };

/**
 * What several lists and subscriptions want of one room, together.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4186 ("Combining room configs")
 */
export function combineConfigs(details: readonly Details[]): RoomConfig {
  return {
    timelineLimit: Math.min(Math.max(0, ...details.map((one) => one.timeline_limit ?? 0)), MAX_TIMELINE_EVENTS),
    requiredState: new Set(details.flatMap((one) => (one.required_state ?? []).map(([type, key]) => stateKeyOf(type, key)))),
  };
}

/** Members are told of when they speak, and not before. */
export function isLazy({ requiredState }: RoomConfig): boolean {
  return requiredState.has(stateKeyOf(MEMBER, '$LAZY')) && !requiredState.has(stateKeyOf(MEMBER, '*'));
}

/** Whether this piece of state is asked for by name or by `*`; who is told of for having spoken is not meant. */
export function wantsState(config: RoomConfig, type: string, stateKey: string, userId: string): boolean {
  const { requiredState } = config;
  const keys = stateKey === userId ? [stateKey, '*', '$ME'] : [stateKey, '*'];
  if (keys.some((key) => requiredState.has(stateKeyOf(type, key)))) return true;
  const isMemberLoadedLazily = type === MEMBER && isLazy(config);
  return !isMemberLoadedLazily && keys.some((key) => requiredState.has(stateKeyOf('*', key)));
}

/** Whether memberships beside the user's own and the speakers' may be wanted. */
export function wantsOtherMembers(config: RoomConfig): boolean {
  const { requiredState } = config;
  if (requiredState.has(stateKeyOf('*', '*')) && !isLazy(config)) return true;
  const known = [stateKeyOf(MEMBER, '$LAZY'), stateKeyOf(MEMBER, '$ME')];
  return [...requiredState].some((pair) => pair.startsWith(stateKeyOf(MEMBER, '')) && !known.includes(pair));
}

/** Whether `wider` may want state that `narrower` does not. */
export function wantsMoreState(wider: RoomConfig, narrower: RoomConfig): boolean {
  if (wider.requiredState === narrower.requiredState) return false;
  return [...wider.requiredState].some((pair) => !narrower.requiredState.has(pair));
}
