import type { JsonObject, Signatures } from 'federation-spec/events/event.ts';
import { listCrossSigningKeys, listKeySignatures } from '../../storage/cross-signing-keys.ts';
import type { Pool } from '../../storage/database.ts';
import { listDeviceKeys } from '../../storage/device-keys.ts';
import { parseKey } from './check-keys.ts';

/** The public keys of one person, as they are shown. */
export type UserKeys = {
  devices: Map<string, JsonObject>;
  master: JsonObject | undefined;
  selfSigning: JsonObject | undefined;
  userSigning: JsonObject | undefined;
};

/**
 * Reads the keys of people, with the signatures that the viewer may see: those of the keys' owners, and the viewer's own. A
 * person's user-signing key is shown to that person only.
 *
 * @param viewer undefined: another server
 */
export type ReadKeys = (
  users: readonly { userNid: number; userId: string }[],
  viewer: { userNid: number } | undefined,
) => Promise<Map<string, UserKeys>>;

export function createReadKeys({ pool }: { pool: Pool }): ReadKeys {
  return async function readKeys(users, viewer) {
    const found = new Map<string, UserKeys>();
    const userNids = users.map((user) => user.userNid);
    if (userNids.length === 0) return found;
    const [devices, crossSigning, signatures] = await Promise.all([
      listDeviceKeys(pool, userNids),
      listCrossSigningKeys(pool, userNids),
      listKeySignatures(pool, userNids, viewer?.userNid),
    ]);
    const added = new Map<string, Signatures>();
    for (const { userNid, target, signerId, keyId, signature } of signatures) {
      const key = `${userNid} ${target}`;
      const of = added.get(key) ?? {};
      of[signerId] = { ...of[signerId], [keyId]: signature };
      added.set(key, of);
    }
    const userIds = new Map(users.map((user) => [user.userNid, user.userId]));
    for (const userId of userIds.values()) {
      found.set(userId, { devices: new Map(), master: undefined, selfSigning: undefined, userSigning: undefined });
    }
    for (const { userNid, userId, deviceId, keys, displayName } of devices) {
      const signed = withSignatures(parseKey(keys), added.get(`${userNid} ${deviceId}`));
      const shown = viewer !== undefined && displayName !== null ? { ...signed, unsigned: { device_display_name: displayName } } : signed;
      found.get(userId)?.devices.set(deviceId, shown);
    }
    for (const { userNid, usage, publicKey, key } of crossSigning) {
      const of = found.get(userIds.get(userNid) ?? '');
      if (of === undefined) continue;
      const shown = withSignatures(parseKey(key), added.get(`${userNid} ${publicKey}`));
      if (usage === 'master') of.master = shown;
      else if (usage === 'self_signing') of.selfSigning = shown;
      else if (viewer?.userNid === userNid) of.userSigning = shown;
    }
    return found;
  };
}

function withSignatures(key: JsonObject, added: Signatures | undefined): JsonObject {
  if (added === undefined) return key;
  const { signatures: stored } = key as { signatures?: Signatures };
  const signatures: Signatures = { ...stored };
  for (const [signer, more] of Object.entries(added)) signatures[signer] = { ...signatures[signer], ...more };
  return { ...key, signatures };
}
