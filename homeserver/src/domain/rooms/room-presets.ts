import type { JsonObject } from 'federation-spec/events/event.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';

export type RoomPreset = 'private_chat' | 'trusted_private_chat' | 'public_chat';

type PresetState = { joinRule: string; historyVisibility: string; guestAccess: string };

/** https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3createroom */
export const PRESETS: Readonly<Record<RoomPreset, PresetState>> = {
  private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  trusted_private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  public_chat: { joinRule: 'public', historyVisibility: 'shared', guestAccess: 'forbidden' },
};

const CREATOR_LEVEL = 100;
/** Above every administrator: from version 12 on, only creators end a room unless it says otherwise. */
const CREATORS_ONLY_LEVEL = 150;

/** The power levels a new room begins with. Creators of version 12 rooms stand above them and are not listed. */
export function defaultPowerLevels(creator: string, trusted: readonly string[], rules: RoomVersionRules): JsonObject {
  const users = rules.privilegedCreators ? {} : Object.fromEntries([creator, ...trusted].map((userId) => [userId, CREATOR_LEVEL]));
  return {
    users,
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.canonical_alias': 50,
      'm.room.avatar': 50,
      'm.room.tombstone': rules.privilegedCreators ? CREATORS_ONLY_LEVEL : 100,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: 0,
    historical: 100,
  };
}
