import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { listSigningKeyIds, verifyJson } from 'federation-spec/signing/sign-json.ts';
import { forbidden, invalidParam, matrixError, missingParam } from '../../platform/matrix-error.ts';
import {
  type CrossSigningKeyRow,
  type CrossSigningUsage,
  deleteCrossSigningKeys,
  deleteKeySignatures,
  listCrossSigningKeys,
  upsertCrossSigningKey,
} from '../../storage/cross-signing-keys.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { findDeviceKeys, listDevicesWithKeys } from '../../storage/device-keys.ts';
import type { Log } from '../streams/log.ts';
import { checkCrossSigningKey, crossSigningPublicKey, isSignedWith, parseKey, signingKeyOf, withoutUnsigned } from './check-keys.ts';
import type { DeviceLists } from './device-lists.ts';

type Requester = { userNid: number; userId: string; deviceId: string };

export type CrossSigningUpload = { masterKey?: unknown; selfSigningKey?: unknown; userSigningKey?: unknown };

/**
 * Publishes a person's cross-signing keys.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysdevice_signingupload
 *
 * @param prove asks the person to prove themselves; called when keys would replace others, which would let a thief of a token pose
 * as the person for good
 * @throws M_INVALID_SIGNATURE, M_MISSING_PARAM, M_INVALID_PARAM, M_FORBIDDEN
 */
export type UploadCrossSigningKeys = (requester: Requester, upload: CrossSigningUpload, prove: () => Promise<Proof>) => Promise<void>;
/** A proof that was given; it is used up by what it allows. */
type Proof = { finish(sql: Sql): Promise<void> };

type Deps = { pool: Pool; log: Log; deviceLists: DeviceLists };

export function createUploadCrossSigningKeys({ pool, log, deviceLists }: Deps): UploadCrossSigningKeys {
  return async function uploadCrossSigningKeys(requester, upload, prove) {
    const { userNid, userId } = requester;
    const given = [
      readKey(userId, 'master', upload.masterKey),
      readKey(userId, 'self_signing', upload.selfSigningKey),
      readKey(userId, 'user_signing', upload.userSigningKey),
    ].filter((key) => key !== undefined);
    if (given.length === 0) throw missingParam('There are no keys in the request');

    const stored = await listCrossSigningKeys(pool, [userNid]);
    const fresh = given.filter(({ usage, publicKey }) => !stored.some((row) => row.usage === usage && row.publicKey === publicKey));
    const newMaster = fresh.find(({ usage }) => usage === 'master');
    await checkSignatures(requester, given, stored);
    if (fresh.length === 0) return; // a client that missed the answer asks again
    const isFirst = !stored.some((row) => row.usage === 'master');
    if (!isFirst) await (await prove()).finish(pool);

    const taken = await listDevicesWithKeys(
      pool,
      userNid,
      fresh.map(({ publicKey }) => publicKey),
    );
    if (taken.length > 0) throw forbidden('A cross-signing key must not be named like one of your devices');

    const audience = await deviceLists.audienceOf(userNid);
    const find = (usage: CrossSigningUsage) => fresh.find((key) => key.usage === usage)?.json;
    const row = deviceLists.signingKeyRow(requester, { masterKey: find('master'), selfSigningKey: find('self_signing') }, audience);
    await log.append({
      rows: [row],
      riders: [
        async (sql) => {
          if (newMaster !== undefined && !isFirst) {
            await deleteCrossSigningKeys(sql, userNid);
            await deleteKeySignatures(sql, userNid);
          }
          for (const { usage, publicKey, json } of fresh) {
            await upsertCrossSigningKey(sql, { userNid, usage, publicKey, key: JSON.stringify(json) });
          }
        },
      ],
    });
  };

  /** Self-signing and user-signing keys are signed by the master key; what the master key is signed with must be the person's devices. */
  async function checkSignatures(requester: Requester, given: readonly GivenKey[], stored: readonly CrossSigningKeyRow[]): Promise<void> {
    const { userNid, userId } = requester;
    const master = given.find(({ usage }) => usage === 'master');
    const masterKey = master?.publicKey ?? stored.find(({ usage }) => usage === 'master')?.publicKey;
    if (masterKey === undefined) throw missingParam('There is no master key yet, and none in the request');
    for (const { usage, json } of given) {
      if (usage === 'master' || (await isSignedWith(json, userId, masterKey))) continue;
      throw matrixError(400, 'M_INVALID_SIGNATURE', `The ${usage} key is not signed by the master key`);
    }
    for (const keyId of master === undefined ? [] : listSigningKeyIds(master.json, userId)) {
      const deviceId = keyId.slice('ed25519:'.length);
      const keys = await findDeviceKeys(pool, userNid, deviceId);
      const publicKey = keys === undefined ? undefined : signingKeyOf(parseKey(keys), deviceId);
      if (publicKey === undefined) continue;
      if (await verifyJson(master?.json ?? {}, { serverName: userId, keyId, publicKey })) continue;
      throw matrixError(400, 'M_INVALID_SIGNATURE', `The master key is not signed by the device ${deviceId}, although it says so`);
    }
  }
}

type GivenKey = { usage: CrossSigningUsage; publicKey: string; json: JsonObject };

function readKey(userId: string, usage: CrossSigningUsage, key: unknown): GivenKey | undefined {
  if (key === undefined || key === null) return undefined;
  const verdict = checkCrossSigningKey(key, { userId, usage });
  if (!verdict.allowed) throw invalidParam(verdict.reason);
  const publicKey = crossSigningPublicKey(key);
  if (publicKey === undefined || !isJsonObject(key)) throw invalidParam(`The ${usage} key is no key`);
  return { usage, publicKey, json: withoutUnsigned(key) };
}
