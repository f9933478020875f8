import type { Agent } from 'node:https';
import { openMailer } from './compose-mailer.ts';
import { composeOwnGateway } from './compose-own-gateway.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { createBuildPush } from './domain/push/build-push.ts';
import { createPush, type PushDeps } from './domain/push/create-push.ts';
import { createDeliverPushes, type PostJson } from './domain/push/deliver-pushes.ts';
import { createDeliverMails } from './domain/push/mail/deliver-mails.ts';
import { createListMissed } from './domain/push/mail/list-missed.ts';
import { createPushers } from './domain/push/pushers.ts';
import { missedMailRoutes } from './edge/client-api/missed-mails.ts';
import { notificationsRoute } from './edge/client-api/notifications.ts';
import { pusherRoutes } from './edge/client-api/pushers.ts';
import type { Route } from './edge/http/route.ts';
import { createAddressGuard } from './platform/http-client/address-guard.ts';
import { createHttpClient } from './platform/http-client/http-client.ts';
import { readExtraCa } from './platform/http-client/read-ca.ts';
import type { Random } from './platform/random.ts';

/** A gateway's answer is short, and soon. */
const GATEWAY_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 65_536;

type Surroundings = { config: Config; secrets: Secrets; random: Random; fcmAgent: Agent | undefined };

/** Counting what is unread, and pushing it. */
export async function composePush(deps: Omit<PushDeps, 'queued' | 'hasRead'>, surroundings: Surroundings) {
  const { config } = surroundings;
  const http = createHttpClient({
    guard: createAddressGuard(config.outboundAllow),
    extraCa: await readExtraCa(config.outboundCa),
    verifyTls: config.outboundTlsVerify,
  });
  const { gateway, capability, close } = await composeOwnGateway({ ...surroundings, clock: deps.clock, guarded: http });
  const postJson: PostJson = async (url, body, signal) => {
    if (url === gateway.url) return { status: 200, body: await gateway.notify(body, signal) };
    const { status, body: bytes } = await http.request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      timeoutMs: GATEWAY_TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    return { status, body: parse(bytes) };
  };

  let wake = (): void => undefined;
  let hasRead = (_userNid: number): void => undefined;
  const push = await createPush({ ...deps, queued: () => wake(), hasRead: (userNid) => hasRead(userNid) });
  const buildPush = createBuildPush({ ...deps, count: push.count });
  const delivery = createDeliverPushes({ ...deps, buildPush, postJson, forget: push.audience.forget });
  ({ wake, hasRead } = delivery);
  wake();

  const { forget } = push.audience;
  const mails = createDeliverMails({
    ...deps,
    mailer: openMailer(config),
    listMissed: createListMissed({ ...deps, count: push.count }),
    publicUrl: config.publicUrl,
    forget,
  });
  const { random } = surroundings;
  const allowsPlainHttp = config.outboundAllow.length > 0;
  const pushers = createPushers({ ...deps, gateway, allowsPlainHttp, forget, random, wantsMail: mails.wanted });
  const routes: Route[] = [...pusherRoutes(pushers), ...missedMailRoutes(pushers), notificationsRoute(push.listNotifications)];
  const stop = async (): Promise<void> => {
    await push.stop();
    await delivery.stop();
    await mails.stop();
    await close();
    await http.close();
  };
  return { ...push, unread: { count: push.count, changedRooms: push.changedRooms }, routes, capability, stop };
}

/** Some gateways answer with nothing at all. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
