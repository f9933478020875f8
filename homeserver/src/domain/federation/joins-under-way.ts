import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';

/** Rooms that this server is about to join: their events may come before the answer to the join does. */
export type JoinsUnderWay = {
  find: (roomId: string) => { rules: RoomVersionRules; ended: Promise<void> } | undefined;
  /** Call `end` when the room is ours, or will not be. */
  begin: (roomId: string, rules: RoomVersionRules) => { end: () => void };
};

export function createJoinsUnderWay(): JoinsUnderWay {
  const joins = new Map<string, { rules: RoomVersionRules; ended: Promise<void> }>();
  return {
    find: (roomId) => joins.get(roomId),
    begin: (roomId, rules) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const join = { rules, ended: promise };
      joins.set(roomId, join);
      return {
        end: () => {
          if (joins.get(roomId) === join) joins.delete(roomId);
          resolve();
        },
      };
    },
  };
}
