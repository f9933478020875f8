import type { Agent } from 'node:https';
import { notify } from 'federation-spec/api/push-gateway/notify.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { createFcm } from './domain/push/fcm.ts';
import { createOwnGateway, FCM_APP_IDS, type PushChannel, WEB_APP_ID } from './domain/push/own-gateway.ts';
import { createVapid } from './domain/push/vapid.ts';
import { createWebPush } from './domain/push/web-push.ts';
import type { Clock } from './platform/clock.ts';
import { createGoogleToken, readServiceAccount } from './platform/google-token.ts';
import { createHttpClient, type HttpClient } from './platform/http-client/http-client.ts';
import { readExtraCa } from './platform/http-client/read-ca.ts';
import type { Random } from './platform/random.ts';

/** A push service's answer is short, and soon. */
const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 65_536;

type Deps = {
  config: Config;
  secrets: Secrets;
  clock: Clock;
  random: Random;
  /** The way to addresses that users give. */
  guarded: HttpClient;
  fcmAgent: Agent | undefined;
};

/** Our own push gateway: browsers always, phones when the operator has an account at Firebase. */
export async function composeOwnGateway({ config, secrets, clock, random, guarded, fcmAgent }: Deps) {
  const vapid = createVapid({ key: secrets.vapidKey, subject: config.pushVapidSubject ?? config.publicUrl, clock });
  const webPush = createWebPush({
    vapid,
    random,
    post: (url, sent) => guarded.request({ method: 'POST', url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, ...sent }),
  });
  const channels = new Map<string, PushChannel>([[WEB_APP_ID, webPush]]);
  let close = async (): Promise<void> => undefined;

  if (config.pushFcmCredentials !== undefined) {
    const account = await readServiceAccount(config.pushFcmCredentials);
    const http = createHttpClient({ extraCa: await readExtraCa(config.outboundCa), verifyTls: config.outboundTlsVerify });
    const fcm = await createFcm({
      projectId: account.project_id,
      fetchToken: createGoogleToken({ account, http, clock }),
      agent: fcmAgent,
    });
    for (const appId of FCM_APP_IDS) channels.set(appId, fcm);
    close = async () => {
      await fcm.close();
      await http.close();
    };
  }

  const gateway = createOwnGateway({ url: `${config.publicUrl}${notify.path}`, channels });
  const capability = { url: gateway.url, app_ids: [...channels.keys()], vapid_public_key: vapid.publicKey };
  return { gateway, capability, close };
}
