/**
 * Operations that store their body as it is: what was not said is not stored as if it had been. Elsewhere an empty body counts as `{}`,
 * because many clients send none where every key is optional.
 */
export const NEEDS_BODY: ReadonlySet<string> = new Set([
  'sendMessage',
  'postMessage',
  'sendDelayedMessage',
  'sendDelayedEvent',
  'setRoomStateWithKey',
  'setDelayedState',
  'setAccountData',
  'setAccountDataPerRoom',
]);
