/** What a locked account may do all the same. https://spec.matrix.org/latest/client-server-api/#account-locking */
export const ALLOWED_WHILE_LOCKED: ReadonlySet<string> = new Set(['logout', 'logout_all']);

/**
 * What a suspended account may not do: enter rooms, speak in them, change them, change how it presents itself, publish media. Everything
 * else stays: reading, leaving, redacting, its devices and keys. https://spec.matrix.org/latest/client-server-api/#account-suspension
 */
export const FORBIDDEN_WHILE_SUSPENDED: ReadonlySet<string> = new Set([
  'createRoom',
  'joinRoom',
  'joinRoomById',
  'knockRoom',
  'inviteUser',
  'inviteBy3PID',
  'kick',
  'ban',
  'unban',
  'sendMessage',
  'sendDelayedMessage',
  'sendDelayedEvent',
  'setRoomStateWithKey',
  'setDelayedState',
  'upgradeRoom',
  'setRoomAlias',
  'deleteRoomAlias',
  'setRoomVisibilityOnDirectory',
  'setProfileField',
  'deleteProfileField',
  'setPresence',
  'setTyping',
  'createContent',
  'uploadContent',
  'uploadContentToMXC',
]);
