import { randomUUID } from 'node:crypto';
import type { AppOptions } from 'firebase-admin/app';
import type { Message } from 'firebase-admin/messaging';
import type { PushChannel, PushMessage } from './own-gateway.ts';

/** What Firebase says of a token that will never work again. */
const GONE = ['messaging/registration-token-not-registered', 'messaging/invalid-registration-token', 'messaging/mismatched-credential'];

type Deps = {
  projectId: string;
  fetchToken: () => Promise<{ access_token: string; expires_in: number }>;
  /** Another way to Google, for machines that have none of their own. */
  agent: AppOptions['httpAgent'] | undefined;
};

/**
 * Reaches phones by Firebase Cloud Messaging. The pushkey is the registration token. The library is loaded here, for it is large and
 * most servers do without it. https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send
 */
export async function createFcm({ projectId, fetchToken, agent }: Deps): Promise<PushChannel & { close: () => Promise<void> }> {
  const [{ deleteApp, initializeApp }, { getMessaging }] = await Promise.all([
    import('firebase-admin/app'),
    import('firebase-admin/messaging'),
  ]);
  const app = initializeApp(
    { projectId, credential: { getAccessToken: fetchToken }, ...(agent === undefined ? {} : { httpAgent: agent }) },
    randomUUID(),
  );
  const messaging = getMessaging(app);
  return {
    findFault: () => undefined,
    send: async ({ pushkey }, message, signal) => {
      try {
        await untilAborted(messaging.send(toFcm(pushkey, message)), signal);
        return true;
      } catch (error) {
        if (error instanceof Error && 'code' in error && GONE.includes(String(error.code))) return false;
        throw error;
      }
    },
    close: () => deleteApp(app),
  };
}

/** The library cannot be told to stop, and tries for minutes: a server that stops does not wait for it. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(new Error('the server is stopping'));
  signal.addEventListener('abort', giveUp);
  try {
    signal.throwIfAborted();
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function toFcm(token: string, { eventId, roomId, unread, isUrgent }: PushMessage): Message {
  const data = { event_id: eventId, room_id: roomId, unread: unread?.toString(), prio: isUrgent ? 'high' : 'low' };
  const badge = unread === undefined ? {} : { badge: unread };
  // On iOS the app's extension replaces the text, once it has fetched the event.
  const aps = eventId === undefined ? badge : { ...badge, alert: { locKey: 'NOTIFICATION' }, mutableContent: true };
  return {
    token,
    data: Object.fromEntries(Object.entries(data).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    android: { priority: isUrgent ? 'high' : 'normal' },
    apns: { headers: { 'apns-priority': isUrgent ? '10' : '5' }, payload: { aps } },
  };
}
