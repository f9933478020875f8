import { createECDH } from 'node:crypto';
import { decodeBase64Url } from 'federation-spec/encoding/base64.ts';
import type { Random } from '../../platform/random.ts';
import { encryptWebPush, type SubscriptionKeys } from './encrypt-web-push.ts';
import type { PushChannel, PushMessage, PushTarget } from './own-gateway.ts';
import type { Vapid } from './vapid.ts';

/** How long a push service keeps a message for a browser that is not running. */
const KEEP_S = 86_400;
const POINT_BYTES = 65;
const AUTH_BYTES = 16;

type Post = (url: string, sent: { headers: Record<string, string>; body: Uint8Array; signal: AbortSignal }) => Promise<{ status: number }>;
type Subscription = SubscriptionKeys & { endpoint: URL };

/**
 * Reaches browsers. The pusher has the subscription: its key `p256dh` is the pushkey, `endpoint` and `auth` are in `data`. `post` is the
 * guarded way out, for the endpoint is whatever the user says. https://www.rfc-editor.org/rfc/rfc8030#section-5
 */
export function createWebPush({ vapid, random, post }: { vapid: Vapid; random: Random; post: Post }): PushChannel {
  return {
    findFault: (target) =>
      readSubscription(target) === undefined
        ? 'A subscription of Web Push has its p256dh as the pushkey, and in data its https endpoint and its auth, both keys in URL-safe base64.'
        : undefined,
    send: async (target, message, signal) => {
      const subscription = readSubscription(target);
      if (subscription === undefined) return false;
      const { endpoint } = subscription;
      const { status } = await post(endpoint.href, {
        headers: {
          authorization: await vapid.authorize(endpoint.origin),
          'content-type': 'application/octet-stream',
          'content-encoding': 'aes128gcm',
          ttl: String(KEEP_S),
          urgency: message.isUrgent ? 'high' : 'low',
        },
        body: encryptWebPush(new TextEncoder().encode(JSON.stringify(toPayload(message))), subscription, random),
        signal,
      });
      if (status === 404 || status === 410) return false;
      if (status < 200 || status > 299) throw new Error(`the push service ${endpoint.origin} answered with status ${status}`);
      return true;
    },
  };
}

function toPayload({ eventId, roomId, unread, isUrgent }: PushMessage) {
  return { event_id: eventId, room_id: roomId, unread, prio: isUrgent ? 'high' : 'low' };
}

function readSubscription({ pushkey, data }: PushTarget): Subscription | undefined {
  const endpoint = typeof data['endpoint'] === 'string' ? URL.parse(data['endpoint']) : null;
  const auth = typeof data['auth'] === 'string' ? decodeBase64Url(data['auth']) : undefined;
  const p256dh = decodeBase64Url(pushkey);
  if (endpoint?.protocol !== 'https:' || endpoint.username !== '' || endpoint.password !== '') return undefined;
  if (auth?.length !== AUTH_BYTES || p256dh?.length !== POINT_BYTES || !isPoint(p256dh)) return undefined;
  return { endpoint, auth, p256dh };
}

function isPoint(bytes: Uint8Array): boolean {
  const pair = createECDH('prime256v1');
  pair.generateKeys();
  try {
    pair.computeSecret(bytes);
    return true;
  } catch {
    return false;
  }
}
