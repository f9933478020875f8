import { setAccountData as setAccountDataEndpoint } from 'federation-spec/api/client/account-data.ts';
import { joinRoom as joinRoomEndpoint } from 'federation-spec/api/client/membership.ts';
import { getUserProfile, setProfileField } from 'federation-spec/api/client/profile.ts';
import { createRoom as createRoomEndpoint } from 'federation-spec/api/client/rooms.ts';
import { searchUserDirectory } from 'federation-spec/api/client/user-directory.ts';
import type { CreateRoomOptions, MatrixClient, UserProfile } from './client.ts';
import type { ClientContext } from './client-context.ts';
import { type JsonObject, objectIn, stringIn, stringsIn } from './json.ts';
import type { WritableSignal } from './observable/signal.ts';
import { localpartOf, readMembership } from './rooms/member-names.ts';
import { rememberDirect } from './rooms/room-actions.ts';
import { stateContent } from './rooms/room-record.ts';

const DIRECTORY_LIMIT = 20;

type Call =
  | 'createRoom'
  | 'openDirectChat'
  | 'joinRoom'
  | 'searchUsers'
  | 'loadProfile'
  | 'setDisplayName'
  | 'setAvatar'
  | 'accountData'
  | 'setAccountData';

type Deps = {
  context: ClientContext;
  profile: WritableSignal<UserProfile>;
  /** Resolves when the room is there (or after a while, when it still is not). */
  waitForRoom: (roomId: string) => Promise<void>;
};

/** What a client does that is about the account rather than one room. */
export function createAccountCalls({ context, profile, waitForRoom }: Deps): Pick<MatrixClient, Call> {
  const { http, ownUserId } = context;

  async function loadProfile(userId: string): Promise<UserProfile> {
    const answer: unknown = await http.request(getUserProfile, { params: { userId } });
    return { userId, displayName: stringIn(answer, 'displayname') ?? localpartOf(userId), avatarUrl: stringIn(answer, 'avatar_url') };
  }

  async function createRoom(options: CreateRoomOptions): Promise<string> {
    const answer = await http.request(createRoomEndpoint, { body: createRoomBody(options) });
    await waitForRoom(answer.room_id);
    return answer.room_id;
  }

  return {
    createRoom,
    loadProfile,
    async openDirectChat(userId) {
      const known = findDirectChat(context, userId);
      if (known !== undefined) return known;
      const roomId = await createRoom({ isDirect: true, invite: [userId] });
      await rememberDirect(context, roomId, userId);
      return roomId;
    },
    async joinRoom(roomIdOrAlias, { via, reason } = {}) {
      const answer = await http.request(joinRoomEndpoint, {
        params: { roomIdOrAlias },
        ...(via === undefined ? {} : { query: { via: [...via] } }),
        body: reason === undefined ? {} : { reason },
      });
      await waitForRoom(answer.room_id);
      return answer.room_id;
    },
    async searchUsers(term, limit = DIRECTORY_LIMIT) {
      const { results } = await http.request(searchUserDirectory, { body: { search_term: term, limit } });
      return results.map(({ user_id: userId, display_name: name, avatar_url: avatarUrl }) => ({
        userId,
        displayName: name ?? localpartOf(userId),
        avatarUrl,
      }));
    },
    async setDisplayName(displayName) {
      await http.request(setProfileField, { params: { userId: ownUserId, keyName: 'displayname' }, body: { displayname: displayName } });
      profile.update((known) => ({ ...known, displayName }));
    },
    async setAvatar(mxcUrl) {
      await http.request(setProfileField, { params: { userId: ownUserId, keyName: 'avatar_url' }, body: { avatar_url: mxcUrl } });
      profile.update((known) => ({ ...known, avatarUrl: mxcUrl === '' ? undefined : mxcUrl }));
    },
    accountData: (type) => context.accountData.get(type),
    setAccountData: context.setAccountData,
  };
}

/** Account data set at the server and here, without waiting for the sync that brings it back. */
export function createSetAccountData({ http, accountData, ownUserId }: Pick<ClientContext, 'http' | 'accountData' | 'ownUserId'>) {
  return async function setAccountData(type: string, content: JsonObject): Promise<void> {
    await http.request(setAccountDataEndpoint, { params: { userId: ownUserId, type }, body: content, patient: true });
    accountData.set(type, content);
  };
}

function createRoomBody(options: CreateRoomOptions) {
  const isPublic = options.visibility === 'public';
  const isEncrypted = options.isEncrypted ?? !isPublic;
  const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
  const preset = isPublic ? 'public_chat' : options.isDirect === true ? 'trusted_private_chat' : 'private_chat';
  return {
    preset,
    visibility: options.visibility ?? 'private',
    initial_state: isEncrypted ? [encryption] : [],
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.topic === undefined ? {} : { topic: options.topic }),
    ...(options.invite === undefined ? {} : { invite: [...options.invite] }),
    ...(options.isDirect === undefined ? {} : { is_direct: options.isDirect }),
    ...(options.aliasLocalpart === undefined ? {} : { room_alias_name: options.aliasLocalpart }),
  } as const;
}

/** A direct chat that both are still in. */
function findDirectChat({ accountData, records }: ClientContext, userId: string): string | undefined {
  const direct = accountData.get('m.direct');
  return stringsIn(direct, userId).find((roomId) => {
    const record = records.get(roomId);
    if (record === undefined || (record.membership !== 'join' && record.membership !== 'invite')) return false;
    const membership = readMembership(stateContent(record, 'm.room.member', userId));
    return membership === undefined || membership === 'join' || membership === 'invite';
  });
}

/** Whether the server announced an unstable feature. */
export function hasUnstableFeature(versions: unknown, feature: string): boolean {
  return objectIn(versions, 'unstable_features')?.[feature] === true;
}
