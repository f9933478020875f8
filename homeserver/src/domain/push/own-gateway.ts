import type { JsonObject, JsonValue } from 'federation-spec/events/event.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';

/** The apps of ours, by which way each is reached. */
export const WEB_APP_ID = 'chat.blinkchat.web';
export const FCM_APP_IDS: readonly string[] = ['chat.blinkchat.android', 'chat.blinkchat.ios'];

/** What a device is told: which event to fetch, never what is in it. Without an event only the count is new. */
export type PushMessage = { eventId?: string; roomId?: string; unread?: number; isUrgent: boolean };
export type PushTarget = { appId: string; pushkey: string; data: JsonObject };

export type PushChannel = {
  /** Why a pusher cannot be served; undefined when it can. */
  findFault: (target: PushTarget) => string | undefined;
  /** False when the device is gone for good. Throws when it has to be tried again later. */
  send: (target: PushTarget, message: PushMessage, signal: AbortSignal) => Promise<boolean>;
};

export type OwnGateway = {
  /** The address by which pushers ask for it. It is called in this process, not over the network. */
  url: string;
  findFault: PushChannel['findFault'];
  /** Takes and gives the bodies of https://spec.matrix.org/latest/push-gateway-api/#post_matrixpushv1notify. */
  notify: (body: JsonObject, signal: AbortSignal) => Promise<{ rejected: string[] }>;
};

/** Our own push gateway: hands notifications to the service that reaches the app. Only ids and counts leave this server by it. */
export function createOwnGateway({ url, channels }: { url: string; channels: ReadonlyMap<string, PushChannel> }): OwnGateway {
  return {
    url,
    findFault: (target) => {
      const channel = channels.get(target.appId);
      if (channel !== undefined) return channel.findFault(target);
      return `The app ${target.appId} is not reached by the push gateway of this server; ${[...channels.keys()].join(', ')} are.`;
    },
    notify: async ({ notification }, signal) => {
      const rejected: string[] = [];
      if (!isJsonObject(notification) || !Array.isArray(notification['devices'])) return { rejected };
      const message = readMessage(notification);
      for (const target of notification['devices'].flatMap(readTarget)) {
        const isThere = await channels.get(target.appId)?.send(target, message, signal);
        if (isThere !== true) rejected.push(target.pushkey);
      }
      return { rejected };
    },
  };
}

function readMessage({ event_id: eventId, room_id: roomId, prio, counts }: JsonObject): PushMessage {
  const unread = isJsonObject(counts) ? counts['unread'] : undefined;
  return {
    ...(typeof eventId === 'string' ? { eventId } : {}),
    ...(typeof roomId === 'string' ? { roomId } : {}),
    ...(typeof unread === 'number' ? { unread } : {}),
    isUrgent: prio !== 'low',
  };
}

function readTarget(device: JsonValue): PushTarget[] {
  if (!isJsonObject(device)) return [];
  const { app_id: appId, pushkey, data } = device;
  if (typeof appId !== 'string' || typeof pushkey !== 'string') return [];
  return [{ appId, pushkey, data: isJsonObject(data) ? data : {} }];
}
