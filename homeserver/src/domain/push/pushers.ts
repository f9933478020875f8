import { notify } from 'federation-spec/api/push-gateway/notify.ts';
import type { Pusher } from 'federation-spec/api/schemas/pushers.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import { invalidParam, matrixError, missingParam } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/database.ts';
import { deletePusherByToken, insertMailPusher } from '../../storage/mail-pushers.ts';
import {
  deletePusher,
  deletePusherOfOthers,
  deleteQueuedPushes,
  listPushersOfUsers,
  type PusherRow,
  upsertPusher,
} from '../../storage/pushers.ts';
import { findThreepidOwner } from '../../storage/threepids.ts';
import { canonicalEmailAddress } from '../accounts/email-addresses.ts';
import type { OwnGateway, PushTarget } from './own-gateway.ts';

/** Most pushers of one account, and the largest fields of one. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3pushersset */
const MAX_PUSHERS = 50;
const MAX_PUSHKEY_BYTES = 512;
const MAX_APP_ID_LENGTH = 64;
const MAX_TEXT_LENGTH = 256;
const MAX_DATA_BYTES = 8_192;
/** The kind of pusher that writes mail, and the app that it is of. */
const MAIL_KIND = 'email';
const MAIL_APP = 'm.email';
const TOKEN_BITS = 256;
/** Hosts that a gateway may be asked on without TLS: this machine, when the operator allows that at all. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export type PusherDraft = {
  kind: string;
  appId: string;
  pushkey: string;
  appDisplayName?: string | undefined;
  deviceDisplayName?: string | undefined;
  profileTag?: string | undefined;
  lang?: string | undefined;
  data?: JsonObject | undefined;
  /** Others may keep a pusher with the same app and key. */
  isShared: boolean;
  /** One that is off pushes nothing, and is kept. Whichever device turns it on or off, it stays that of the device which set it. */
  isEnabled?: boolean | undefined;
};

export type Pushers = {
  list: (userNid: number) => Promise<Pusher[]>;
  /** Adds or changes the device's pusher. Throws M_MISSING_PARAM, M_INVALID_PARAM; M_THREEPID_NOT_FOUND for mail to another's address. */
  set: (owner: { userNid: number; deviceId: string }, draft: PusherDraft) => Promise<void>;
  remove: (userNid: number, pusher: { appId: string; pushkey: string }) => Promise<void>;
  /** Ends the pusher that writes the mails in which this token stands, if it is still there. */
  unsubscribe: (token: string) => Promise<void>;
};

/** https://spec.matrix.org/latest/client-server-api/#push-notifications. `forget` is told whose pushers changed. */
export function createPushers({
  database,
  clock,
  gateway,
  allowsPlainHttp,
  forget,
  random,
  wantsMail,
}: {
  database: Database;
  clock: Clock;
  gateway: OwnGateway;
  /** An operator who lets us reach private addresses may have gateways there, which have no certificates. */
  allowsPlainHttp: boolean;
  forget: (userNid: number) => void;
  random: Random;
  /** Told that somebody wants to be written to. */
  wantsMail: () => void;
}): Pushers {
  const { sql } = database;
  return {
    list: async (userNid) => (await listPushersOfUsers(sql, [userNid])).map(toPusher),

    set: async ({ userNid, deviceId }, draft) => {
      const sound = readDraft(draft, gateway, allowsPlainHttp);
      const isMail = sound.kind === MAIL_KIND;
      if (isMail && (await findThreepidOwner(sql, 'email', sound.pushkey)) !== userNid) throw notOwnAddress(sound.pushkey);
      const own = await listPushersOfUsers(sql, [userNid]);
      const known = own.find((other) => other.appId === sound.appId && other.pushkey === sound.pushkey);
      if (known === undefined && own.length >= MAX_PUSHERS)
        throw invalidParam(`An account has at most ${MAX_PUSHERS} pushers; remove one first.`);
      const owner = draft.isEnabled === undefined ? deviceId : (known?.deviceId ?? deviceId);
      const pusher = { ...sound, userNid, deviceId: isMail ? null : owner, createdAt: clock.now() };
      if (!draft.isShared) for (const loser of await deletePusherOfOthers(sql, pusher)) forget(loser);
      await upsertPusher(sql, pusher);
      if (!pusher.isEnabled && known !== undefined) await deleteQueuedPushes(sql, known.pusherId, Number.MAX_SAFE_INTEGER);
      if (isMail) await insertMailPusher(sql, { ...pusher, unsubscribeToken: random.text(TOKEN_BITS) });
      if (isMail) wantsMail();
      forget(userNid);
    },

    remove: async (userNid, { appId, pushkey }) => {
      await deletePusher(sql, { userNid, appId, pushkey });
      forget(userNid);
    },

    unsubscribe: async (token) => {
      const userNid = await deletePusherByToken(sql, token);
      if (userNid !== undefined) forget(userNid);
    },
  };
}

type SoundPusher = Omit<PusherRow, 'pusherId' | 'userNid' | 'deviceId' | 'createdAt'>;

function readDraft(draft: PusherDraft, gateway: OwnGateway, allowsPlainHttp: boolean): SoundPusher {
  const { kind, appId, appDisplayName, deviceDisplayName, lang, data, profileTag = null, isEnabled = true } = draft;
  if (appDisplayName === undefined || deviceDisplayName === undefined || lang === undefined || data === undefined) {
    throw missingParam('A pusher needs app_display_name, device_display_name, lang and data.');
  }
  if (kind !== 'http' && kind !== MAIL_KIND) throw invalidParam(`Pushers of the kind ${kind} are not served here; "http" and "email" are.`);
  if (kind === MAIL_KIND && appId !== MAIL_APP) throw invalidParam(`A pusher of the kind email has the app_id ${MAIL_APP}.`);
  const pushkey = kind === MAIL_KIND ? canonicalEmailAddress(draft.pushkey) : draft.pushkey;
  if (Buffer.byteLength(pushkey) > MAX_PUSHKEY_BYTES) throw invalidParam(`pushkey has at most ${MAX_PUSHKEY_BYTES} bytes.`);
  if (appId.length > MAX_APP_ID_LENGTH) throw invalidParam(`app_id has at most ${MAX_APP_ID_LENGTH} characters.`);
  for (const text of [appDisplayName, deviceDisplayName, lang, profileTag ?? '']) {
    if (text.length > MAX_TEXT_LENGTH) throw invalidParam(`The names of a pusher have at most ${MAX_TEXT_LENGTH} characters.`);
  }
  if (kind !== MAIL_KIND) checkTarget({ appId, pushkey, data }, gateway, allowsPlainHttp);
  const text = JSON.stringify(data);
  if (Buffer.byteLength(text) > MAX_DATA_BYTES) throw invalidParam(`data has at most ${MAX_DATA_BYTES} bytes.`);
  return { kind, appId, pushkey, appDisplayName, deviceDisplayName, profileTag, lang, data: text, isEnabled };
}

const notOwnAddress = (address: string) =>
  matrixError(400, 'M_THREEPID_NOT_FOUND', `${address} is no address of yours; add it to your account first.`);

function checkTarget(target: PushTarget, gateway: OwnGateway, allowsPlainHttp: boolean): void {
  const isOwn = target.data['url'] === gateway.url;
  if (!isOwn) checkGateway(target.data['url'], allowsPlainHttp);
  const fault = isOwn ? gateway.findFault(target) : undefined;
  if (fault !== undefined) throw invalidParam(fault);
}

function checkGateway(url: unknown, allowsPlainHttp: boolean): void {
  if (url === undefined) throw missingParam('data.url is missing: where the push gateway is.');
  const parsed = typeof url === 'string' ? URL.parse(url) : null;
  const isSafe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && (allowsPlainHttp || LOOPBACK.test(parsed.hostname)));
  if (parsed === null || !isSafe || parsed.pathname !== notify.path || parsed.username !== '' || parsed.password !== '') {
    throw invalidParam(`data.url is an https URL with the path ${notify.path}.`);
  }
}

function toPusher(row: PusherRow): Pusher {
  return {
    app_id: row.appId,
    pushkey: row.pushkey,
    kind: row.kind,
    app_display_name: row.appDisplayName,
    device_display_name: row.deviceDisplayName,
    ...(row.profileTag === null ? {} : { profile_tag: row.profileTag }),
    lang: row.lang,
    data: dataOf(row),
    enabled: row.isEnabled,
    ...(row.deviceId === null ? {} : { device_id: row.deviceId, 'org.matrix.msc3881.device_id': row.deviceId }),
    'org.matrix.msc3881.enabled': row.isEnabled,
  };
}

/** What a pusher was set with. */
export function dataOf({ data }: Pick<PusherRow, 'data'>): JsonObject {
  const value: unknown = JSON.parse(data);
  return isJsonObject(value) ? value : {};
}
