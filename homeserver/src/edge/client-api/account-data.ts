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
import { asRecord } from '../../domain/accounts/read-record.ts';
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

function tagsOf(content: object | undefined): Readonly<Record<string, unknown>> {
  return asRecord(asRecord(content)?.['tags']) ?? {};
}
