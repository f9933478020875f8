/** The state that somebody who is invited, or knocks, is shown of a room. https://spec.matrix.org/latest/client-server-api/#stripped-state */
export const SHOWN_STATE: readonly string[] = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
];
