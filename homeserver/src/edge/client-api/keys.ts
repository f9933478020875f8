import { uploadCrossSigningKeys, uploadCrossSigningSignatures } from 'federation-spec/api/client/cross-signing.ts';
import { claimKeys, getKeysChanges, queryKeys, uploadKeys } from 'federation-spec/api/client/keys.ts';
import { sendToDevice } from 'federation-spec/api/client/to-device.ts';
import { NO_DEVICE } from '../../domain/accounts/appservice-accounts.ts';
import type { RequireProof } from '../../domain/accounts/uia.ts';
import { PASSWORD_STAGE } from '../../domain/accounts/uia-stages.ts';
import type { E2ee } from '../../domain/e2ee/create-e2ee.ts';
import { parseToken } from '../../domain/streams/token.ts';
import { invalidParam, unknown } from '../../platform/matrix-error.ts';
import { type Route, raw, route } from '../http/route.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
/** A hundred one-time keys with their signatures, or the keys of thousands of people, asked for. */
const MAX_KEYS_BODY_BYTES = 4 * 1024 * 1024;
/** A message to a thousand devices, each encrypted apart. */
const MAX_TO_DEVICE_BODY_BYTES = 16 * 1024 * 1024;

/** Application services answer for their users: https://spec.matrix.org/latest/application-service-api/#cross-signing */
const NO_PROOF_NEEDED = Promise.resolve({ finish: async () => undefined });

/** https://spec.matrix.org/latest/client-server-api/#end-to-end-encryption */
export function keyRoutes(e2ee: E2ee, deps: { requireProof: RequireProof; position: () => number }): Route[] {
  const { requireProof, position } = deps;
  return [
    route(
      uploadKeys,
      async ({ requester, body }) => {
        if (requester.deviceId === NO_DEVICE) throw unknown('To upload keys, an application service must name a device_id');
        const one_time_key_counts = await e2ee.uploadKeys(requester, {
          deviceKeys: body.device_keys,
          oneTimeKeys: body.one_time_keys,
          fallbackKeys: body.fallback_keys,
        });
        return { one_time_key_counts };
      },
      { maxBodyBytes: MAX_KEYS_BODY_BYTES },
    ),
    route(
      queryKeys,
      async ({ requester, body }) => {
        const found = await e2ee.queryKeys.forClient(requester, body.device_keys, body.timeout ?? DEFAULT_TIMEOUT_MS);
        return raw({
          json: {
            device_keys: found.deviceKeys,
            master_keys: found.masterKeys,
            self_signing_keys: found.selfSigningKeys,
            user_signing_keys: found.userSigningKeys,
            failures: found.failures,
          },
        });
      },
      { maxBodyBytes: MAX_KEYS_BODY_BYTES },
    ),
    route(
      claimKeys,
      async ({ body }) => {
        const { oneTimeKeys, failures } = await e2ee.claimKeys.forClient(body.one_time_keys, body.timeout ?? DEFAULT_TIMEOUT_MS);
        return raw({ json: { one_time_keys: oneTimeKeys, failures } });
      },
      { maxBodyBytes: MAX_KEYS_BODY_BYTES },
    ),
    route(getKeysChanges, async ({ requester, query }) => {
      const [from, to] = [parseToken(query.from), parseToken(query.to)];
      if (from?.kind !== 'stream' || to?.kind !== 'stream') throw invalidParam('from and to must be tokens of a sync');
      const upTo = Math.min(to.position, position());
      return await e2ee.deviceLists.listChanges({ userNid: requester.userNid, after: from.position, upTo });
    }),
    route(uploadCrossSigningKeys, async ({ requester, body }) => {
      const { auth, ...keys } = body;
      const upload = { masterKey: keys.master_key, selfSigningKey: keys.self_signing_key, userSigningKey: keys.user_signing_key };
      const request = { operation: 'uploadCrossSigningKeys', requester, body: keys, auth, flows: [[PASSWORD_STAGE]] };
      await e2ee.uploadCrossSigningKeys(requester, upload, () =>
        requester.appservice === undefined ? requireProof(request) : NO_PROOF_NEEDED,
      );
      return {};
    }),
    route(
      uploadCrossSigningSignatures,
      async ({ requester, body }) => raw({ json: { failures: await e2ee.uploadSignatures(requester, body) } }),
      { maxBodyBytes: MAX_KEYS_BODY_BYTES },
    ),
    route(
      sendToDevice,
      async ({ requester, params, body }) => {
        await e2ee.toDevice.send(requester, { type: params.eventType, txnId: params.txnId, messages: body.messages });
        return {};
      },
      { maxBodyBytes: MAX_TO_DEVICE_BODY_BYTES },
    ),
  ];
}
