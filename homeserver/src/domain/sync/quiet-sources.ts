import type { E2eeForSync, EphemeralForSync, UnreadForSync } from './sources.ts';

/** Sources that never have anything to tell, for what a server does not offer. */
export function createQuietSources(): { e2ee: E2eeForSync; ephemeral: EphemeralForSync; unread: UnreadForSync } {
  return {
    e2ee: {
      acknowledgeToDevice: () => Promise.resolve(),
      listToDevice: (_device, { upTo }) => Promise.resolve({ events: [], upTo }),
      countKeys: () => Promise.resolve({ oneTimeKeys: {}, unusedFallbackTypes: [] }),
      listDeviceListChanges: () => Promise.resolve({ changed: [], left: [] }),
    },
    ephemeral: {
      volatileNow: () => ({ boot: '0', volatile: 0 }),
      listRoomEphemeral: () => Promise.resolve(new Map()),
      listPresence: () => Promise.resolve([]),
      acknowledged: () => undefined,
      synced: () => undefined,
    },
    unread: { count: () => Promise.resolve(new Map()), changedRooms: () => Promise.resolve([]) },
  };
}
