import { ban, forgetRoom, inviteUser, joinRoomById, kick, leaveRoom, unban } from 'federation-spec/api/client/membership.ts';
import { deletePushRule, setPushRule } from 'federation-spec/api/client/push-rules.ts';
import { setRoomStateWithKey } from 'federation-spec/api/client/state.ts';
import { deleteRoomTag, setRoomTag } from 'federation-spec/api/client/tags.ts';
import type { ClientContext } from '../client-context.ts';
import { isJsonObject, type JsonObject, objectIn, stringsIn } from '../json.ts';
import type { Room } from './room.ts';
import { type RoomRecord, stateContent, stateEvent } from './room-record.ts';

const FAVOURITE = 'm.favourite';

type Deps = { record: RoomRecord; context: ClientContext };

type Action =
  | 'join'
  | 'leave'
  | 'forget'
  | 'invite'
  | 'kick'
  | 'ban'
  | 'unban'
  | 'setPowerLevel'
  | 'setName'
  | 'setTopic'
  | 'setAvatar'
  | 'enableEncryption'
  | 'setFavourite'
  | 'setMuted'
  | 'sendState';

/** What goes to the server at once and is told back by it: membership, state, tags. */
export function createRoomActions({ record, context }: Deps): Pick<Room, Action> {
  const { http, ownUserId } = context;
  const { roomId } = record;
  const params = { roomId };

  async function sendState(type: string, stateKey: string, content: JsonObject): Promise<string> {
    const answer = await http.request(setRoomStateWithKey, { params: { roomId, eventType: type, stateKey }, body: content });
    return answer.event_id;
  }

  return {
    sendState,
    async join() {
      const invite = record.membership === 'invite' ? stateEvent(record, 'm.room.member', ownUserId) : undefined;
      await http.request(joinRoomById, { params, body: {} });
      if (invite?.content['is_direct'] === true) await rememberDirect(context, roomId, invite.sender);
    },
    async leave(reason) {
      await http.request(leaveRoom, { params, body: withReason(reason) });
    },
    async forget() {
      await http.request(forgetRoom, { params });
      context.records.delete(roomId);
      context.touch(roomId);
      await context.store.write({ rooms: [], forgottenRoomIds: [roomId], accountData: [] });
    },
    async invite(userId, reason) {
      await http.request(inviteUser, { params, body: { user_id: userId, ...withReason(reason) } });
    },
    async kick(userId, reason) {
      await http.request(kick, { params, body: { user_id: userId, ...withReason(reason) } });
    },
    async ban(userId, reason) {
      await http.request(ban, { params, body: { user_id: userId, ...withReason(reason) } });
    },
    async unban(userId) {
      await http.request(unban, { params, body: { user_id: userId } });
    },
    async setPowerLevel(userId, level) {
      const levels = stateContent(record, 'm.room.power_levels') ?? {};
      await sendState('m.room.power_levels', '', { ...levels, users: { ...objectIn(levels, 'users'), [userId]: level } });
    },
    async setName(name) {
      await sendState('m.room.name', '', { name });
    },
    async setTopic(topic) {
      await sendState('m.room.topic', '', { topic });
    },
    async setAvatar(mxcUrl) {
      await sendState('m.room.avatar', '', { url: mxcUrl });
    },
    async enableEncryption() {
      await sendState('m.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' });
    },
    async setFavourite(favourite) {
      const tag = { userId: ownUserId, roomId, tag: FAVOURITE };
      if (favourite) await http.request(setRoomTag, { params: tag, body: { order: 0.5 } });
      else await http.request(deleteRoomTag, { params: tag });
    },
    async setMuted(muted) {
      const rule = { kind: 'override' as const, ruleId: roomId };
      if (!muted) return void (await http.request(deletePushRule, { params: rule }));
      const condition = { kind: 'event_match', key: 'room_id', pattern: roomId } as const;
      await http.request(setPushRule, { params: rule, body: { actions: [], conditions: [condition] } });
    },
  };
}

/** Adds the room to `m.direct`. https://spec.matrix.org/latest/client-server-api/#mdirect */
export async function rememberDirect(
  context: Pick<ClientContext, 'accountData' | 'setAccountData'>,
  roomId: string,
  userId: string,
): Promise<void> {
  const direct = context.accountData.get('m.direct');
  const rooms = isJsonObject(direct) ? stringsIn(direct, userId) : [];
  if (rooms.includes(roomId)) return;
  await context.setAccountData('m.direct', { ...direct, [userId]: [...rooms, roomId] });
}

function withReason(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
