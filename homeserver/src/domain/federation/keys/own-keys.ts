import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import { type Signer, signJson } from 'federation-spec/signing/sign-json.ts';
import type { Clock } from '../../../platform/clock.ts';

const DAY_MS = 86_400_000;
const VALID_FOR_MS = 7 * DAY_MS;
/** The list is made anew when it is this old, so that whoever fetches it gets one that lasts. */
const RENEW_AFTER_MS = DAY_MS;

/** A key that this server signed with until `expiredTs` (ms). */
export type OldKey = { keyId: string; seed: Uint8Array; expiredTs: number };

/** The signed list of this server's keys. https://spec.matrix.org/latest/server-server-api/#publishing-keys */
export type ListOwnKeys = () => Promise<ServerKeys>;

export function createListOwnKeys({ signer, oldKeys, clock }: { signer: Signer; oldKeys: readonly OldKey[]; clock: Clock }): ListOwnKeys {
  const publicKey = encodeBase64(ed25519PublicKey(signer.seed));
  let made: { list: Promise<ServerKeys>; at: number } | undefined;

  return async () => {
    const now = clock.now();
    if (made === undefined || now - made.at > RENEW_AFTER_MS || now < made.at) {
      const unsigned = {
        server_name: signer.serverName,
        verify_keys: { [signer.keyId]: { key: publicKey } },
        old_verify_keys: Object.fromEntries(
          oldKeys.map((old) => [old.keyId, { key: encodeBase64(ed25519PublicKey(old.seed)), expired_ts: old.expiredTs }]),
        ),
        valid_until_ts: now + VALID_FOR_MS,
      };
      made = { list: signJson(unsigned, signer), at: now };
    }
    return await made.list;
  };
}
