import type { JsonObject } from 'federation-spec/events/event.ts';

type User = { userNid: number; userId: string };

/** What is told beside events, of those who keep it. */
export type AppserviceSources = {
  /** The number of the last change of what lives in memory only: typing and presence. */
  volatileNow: () => number;
  /** The `m.typing` events of rooms whose typists changed since. */
  listTyping: (after: number) => { roomNid: number; event: JsonObject }[];
  /** The `m.presence` events of people whose presence changed since, with those who may see it. */
  listPresence: (after: number) => Promise<{ user: User; audience: readonly string[]; event: JsonObject }[]>;
  countKeys: (device: {
    userNid: number;
    deviceId: string;
  }) => Promise<{ oneTimeKeys: Record<string, number>; unusedFallbackTypes: string[] }>;
};
