import {
  deleteAccountData,
  deleteAccountDataPerRoom,
  getAccountData,
  getAccountDataPerRoom,
  setAccountData,
  setAccountDataPerRoom,
} from 'federation-spec/api/client/account-data.ts';
import { deleteRoomTag, getRoomTags, setRoomTag } from 'federation-spec/api/client/tags.ts';
import type { AccountData } from '../../domain/accounts/account-data.ts';
import { IGNORED_USERS } from '../../domain/accounts/ignored-users.ts';
import { asRecord } from '../../domain/accounts/read-record.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import { type Route, raw, route } from '../http/route.ts';
import { checkOwn } from './check-own.ts';

/** Account data, and tags, which are account data of rooms: https://spec.matrix.org/latest/client-server-api/#room-tagging */
export function accountDataRoutes(accountData: AccountData): Route[] {
  return [
    route(getAccountData, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      return raw({ json: await accountData.load(requester.userNid, undefined, params.type) });
    }),
    route(setAccountData, async ({ requester, params, body }) => {
      checkOwn(requester, params.userId);
      if (params.type === IGNORED_USERS) checkIgnored(requester.userId, body);
      await accountData.set(requester.userNid, undefined, params.type, body);
      return {};
    }),
    route(getAccountDataPerRoom, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      return raw({ json: await accountData.load(requester.userNid, params.roomId, params.type) });
    }),
    route(setAccountDataPerRoom, async ({ requester, params, body }) => {
      checkOwn(requester, params.userId);
      await accountData.set(requester.userNid, params.roomId, params.type, body);
      return {};
    }),
    route(deleteAccountData, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      await accountData.remove(requester.userNid, undefined, params.type);
      return {};
    }),
    route(deleteAccountDataPerRoom, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      await accountData.remove(requester.userNid, params.roomId, params.type);
      return {};
    }),
    route(getRoomTags, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      return raw({ json: { tags: tagsOf(await accountData.find(requester.userNid, params.roomId, TAGS)) } });
    }),
    route(setRoomTag, async ({ requester, params, body }) => {
      checkOwn(requester, params.userId);
      if (Buffer.byteLength(params.tag) > MAX_TAG_BYTES) throw invalidParam(`A tag has at most ${MAX_TAG_BYTES} bytes.`);
      await accountData.edit(requester.userNid, params.roomId, TAGS, (content) => ({ tags: { ...tagsOf(content), [params.tag]: body } }));
      return {};
    }),
    route(deleteRoomTag, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      await accountData.edit(requester.userNid, params.roomId, TAGS, (content) => {
        const { [params.tag]: _removed, ...others } = tagsOf(content);
        return { tags: others };
      });
      return {};
    }),
  ];
}

const TAGS = 'm.tag';
/** https://spec.matrix.org/latest/client-server-api/#room-tagging */
const MAX_TAG_BYTES = 255;

function tagsOf(content: object | undefined): Readonly<Record<string, unknown>> {
  return asRecord(asRecord(content)?.['tags']) ?? {};
}

/** Who ignored themselves would see nothing of what they say. https://spec.matrix.org/latest/client-server-api/#ignoring-users */
function checkIgnored(userId: string, list: Readonly<Record<string, unknown>>): void {
  if (Object.hasOwn(asRecord(list['ignored_users']) ?? {}, userId)) throw invalidParam('You cannot ignore yourself.');
}
