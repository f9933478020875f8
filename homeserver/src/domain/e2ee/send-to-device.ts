import { type DirectToDeviceEdu, DirectToDeviceEduSchema } from 'federation-spec/api/schemas/edus.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../platform/clock.ts';
import { invalidParam, tooLarge } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Pool } from '../../storage/database.ts';
import { insertOutbox } from '../../storage/federation-outbox.ts';
import {
  hasToDeviceTransaction,
  insertReceived,
  insertToDevice,
  insertToDeviceTransaction,
  listDevicesOf,
  type ToDeviceMessage,
  wasReceived,
} from '../../storage/to-device.ts';
import type { Log } from '../streams/log.ts';
import type { Rider, StreamRow } from '../streams/log-batch.ts';
import type { OwedMessages } from './owed-messages.ts';
import type { ToDeviceInbox } from './to-device-inbox.ts';

type Sender = { userNid: number; userId: string; deviceId: string };
/** Contents by user id and device id; `*` is every device. */
export type DeviceMessages = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** https://spec.matrix.org/latest/client-server-api/#send-to-device-messaging */
export type ToDevice = {
  /** Sends messages, here and to other servers in one commit; the same transaction of a device is sent once. */
  send(sender: Sender, message: { type: string; txnId: string; messages: DeviceMessages }): Promise<void>;
  /** Takes an `m.direct_to_device` of another server; resolves after the commit. What is malformed is dropped. */
  receive(origin: string, content: unknown): Promise<void>;
};

const MAX_RECIPIENTS = 10_000;
const MAX_CONTENT_BYTES = 65_536;
const MAX_TYPE_BYTES = 255;
const MAX_ID_BYTES = 255;
const MESSAGE_ID_BITS = 128;
/** Messages to one server that are small travel together, up to so many and such a size: some servers refuse larger EDUs than an event may be. */
const MAX_EDU_DEVICES = 100;
const MAX_EDU_BYTES = 60_000;
const TRANSACTION_LIFETIME_MS = 86_400_000;
const RECEIVED_LIFETIME_MS = 30 * 86_400_000;

type Deps = { pool: Pool; log: Log; inbox: ToDeviceInbox; owed: OwedMessages; clock: Clock; random: Random; serverName: string };

export function createToDevice({ pool, log, inbox, owed, clock, random, serverName }: Deps): ToDevice {
  const isDirectToDevice = Compile(DirectToDeviceEduSchema);
  const inFlight = new Map<string, Promise<void>>();

  /** The messages for devices here, one per device. */
  async function localMessages(sender: string, type: string, messages: DeviceMessages): Promise<ToDeviceMessage[]> {
    const userIds = Object.keys(messages).filter((userId) => serverNameOf(userId) === serverName);
    if (userIds.length === 0) return [];
    const devices = await listDevicesOf(pool, userIds);
    return devices.flatMap(({ userNid, userId, deviceId }) => {
      const content = ownContent(messages[userId], deviceId) ?? ownContent(messages[userId], '*');
      return content === undefined ? [] : [{ userNid, deviceId, sender, type, content: JSON.stringify(content) }];
    });
  }

  function localRow(messages: readonly ToDeviceMessage[]): StreamRow {
    return {
      write: (sql, position) => {
        for (const message of messages) inbox.noteWritten(message, position);
        return insertToDevice(sql, position, messages);
      },
      wakes: { users: new Set(messages.map(({ userNid }) => userNid)) },
    };
  }

  /** The EDUs for devices elsewhere. */
  function remoteEdus(sender: string, type: string, messages: DeviceMessages): { destination: string; content: string }[] {
    const parts = Object.entries(messages).flatMap(([userId, byDevice]) => {
      const destination = serverNameOf(userId);
      if (destination === undefined || destination === serverName) return [];
      return Object.entries(byDevice).map(([deviceId, content]) => ({ destination, userId, deviceId, content }));
    });
    return [...Map.groupBy(parts, ({ destination }) => destination)].flatMap(([destination, all]) =>
      packEdus(all).map((some) => {
        const content: JsonObject = { sender, type, message_id: random.text(MESSAGE_ID_BITS), messages: nest(some) };
        return { destination, content: JSON.stringify(content) };
      }),
    );
  }

  function remoteRow(sender: string, edus: readonly { destination: string; content: string }[]): StreamRow {
    return {
      write: (sql, position) => insertOutbox(sql, { position, eduType: 'm.direct_to_device', contents: edus, sender }),
      wakes: { destinations: new Set(edus.map(({ destination }) => destination)) },
    };
  }

  async function sendOnce(sender: Sender, message: { type: string; txnId: string; messages: DeviceMessages }): Promise<void> {
    const { userNid, deviceId, userId } = sender;
    const { type, txnId, messages } = message;
    if (await hasToDeviceTransaction(pool, { userNid, deviceId, txnId: `${type}/${txnId}` })) return;
    const local = await localMessages(userId, type, messages);
    const now = clock.now();
    const transaction: Rider = (sql) =>
      insertToDeviceTransaction(sql, {
        userNid,
        deviceId,
        txnId: `${type}/${txnId}`,
        sentAt: now,
        forgetBefore: now - TRANSACTION_LIFETIME_MS,
      });
    const edus = remoteEdus(userId, type, messages);
    const bytes = edus.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    if (bytes > 0) owed.add(userId, bytes);
    const rows = [...(local.length === 0 ? [] : [localRow(local)]), ...(bytes === 0 ? [] : [remoteRow(userId, edus)])];
    try {
      await log.append({ rows, riders: [transaction] });
    } catch (error) {
      owed.remove(userId, bytes);
      throw error;
    }
  }

  return {
    async send(sender, message) {
      checkMessages(message.type, message.txnId, message.messages);
      const key = `sent ${sender.userNid} ${sender.deviceId} ${message.type} ${message.txnId}`;
      await once(key, () => sendOnce(sender, message));
    },
    async receive(origin, content) {
      if (!isDirectToDevice.Check(content) || !isAcceptable(origin, content)) return;
      await once(`received ${origin} ${content.message_id}`, () => receiveOnce(origin, content));
    },
  };

  /** Does a thing that may be asked for again while it is being done. */
  async function once(key: string, work: () => Promise<void>): Promise<void> {
    const underWay = inFlight.get(key) ?? work().finally(() => inFlight.delete(key));
    inFlight.set(key, underWay);
    await underWay;
  }

  async function receiveOnce(origin: string, { sender, type, message_id: messageId, messages }: DirectToDeviceEdu): Promise<void> {
    if (await wasReceived(pool, origin, messageId)) return;
    const local = (await localMessages(sender, type, messages)).filter(({ content }) => Buffer.byteLength(content) <= MAX_CONTENT_BYTES);
    const now = clock.now();
    const received: Rider = (sql) => insertReceived(sql, { origin, messageId, receivedAt: now, forgetBefore: now - RECEIVED_LIFETIME_MS });
    await log.append({ rows: local.length === 0 ? [] : [localRow(local)], riders: [received] });
  }
}

/** A server speaks for its own users, within limits. */
function isAcceptable(origin: string, { sender, type, message_id: messageId, messages }: DirectToDeviceEdu): boolean {
  const fits = Buffer.byteLength(messageId) <= MAX_ID_BYTES && Buffer.byteLength(type) <= MAX_TYPE_BYTES;
  return fits && serverNameOf(sender) === origin && countRecipients(messages) <= MAX_RECIPIENTS;
}

function checkMessages(type: string, txnId: string, messages: DeviceMessages): void {
  if (Buffer.byteLength(type) > MAX_TYPE_BYTES || Buffer.byteLength(txnId) > MAX_ID_BYTES)
    throw invalidParam('The type or the transaction id is too long');
  if (countRecipients(messages) > MAX_RECIPIENTS) throw tooLarge(`A message may go to at most ${MAX_RECIPIENTS} devices`);
  for (const byDevice of Object.values(messages)) {
    for (const content of Object.values(byDevice)) {
      if (Buffer.byteLength(JSON.stringify(content)) > MAX_CONTENT_BYTES)
        throw tooLarge(`A message may have at most ${MAX_CONTENT_BYTES} bytes`);
    }
  }
}

function countRecipients(messages: DeviceMessages): number {
  return Object.values(messages).reduce((sum, byDevice) => sum + Object.keys(byDevice).length, 0);
}

function ownContent(byDevice: Readonly<Record<string, unknown>> | undefined, deviceId: string): JsonObject | undefined {
  const content = byDevice !== undefined && Object.hasOwn(byDevice, deviceId) ? byDevice[deviceId] : undefined;
  return isJsonObject(content) ? content : undefined;
}

type Part = { userId: string; deviceId: string; content: unknown };

/** Puts messages to one server together, in their order, within the measure of an EDU; what is larger goes alone. */
function packEdus(parts: readonly Part[]): Part[][] {
  const edus: Part[][] = [];
  let bytes = 0;
  for (const part of parts) {
    const size = Buffer.byteLength(JSON.stringify(part.content));
    const edu = edus.at(-1);
    if (edu !== undefined && edu.length < MAX_EDU_DEVICES && bytes + size <= MAX_EDU_BYTES) {
      edu.push(part);
      bytes += size;
    } else {
      edus.push([part]);
      bytes = size;
    }
  }
  return edus;
}

function nest(parts: readonly Part[]): JsonObject {
  const nested: { [userId: string]: JsonObject } = {};
  for (const { userId, deviceId, content } of parts) {
    if (isJsonObject(content)) nested[userId] = { ...nested[userId], [deviceId]: content };
  }
  return nested;
}
