import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';

/** Rooms that this server is about to join: their events may come before the answer to the join does. */
export type JoinsUnderWay = {
  find: (roomId: string) => { rules: RoomVersionRules; ended: Promise<void> } | undefined;
  begin: (roomId: string, rules: RoomVersionRules) => Disposable;
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
        [Symbol.dispose]: () => {
          if (joins.get(roomId) === join) joins.delete(roomId);
          resolve();
        },
      };
    },
  };
}
