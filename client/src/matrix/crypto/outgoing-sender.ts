import { uploadCrossSigningSignatures } from 'federation-spec/api/client/cross-signing.ts';
import { putRoomKeys } from 'federation-spec/api/client/key-backup.ts';
import { claimKeys, queryKeys, uploadKeys } from 'federation-spec/api/client/keys.ts';
import { sendToDevice } from 'federation-spec/api/client/to-device.ts';
import type { MatrixHttp } from '../http/matrix-http.ts';
import { isTransient, RequestError } from '../http/request-error.ts';
import { type JsonObject, objectIn, stringIn } from '../json.ts';
import type { CryptoEngine, OutgoingRequest } from './crypto-engine.ts';

/** Rounds of "what else is to be sent" before giving the turn back. */
const MAX_ROUNDS = 20;
/** How many batches of one-time keys may be given up, since their ids are taken, before something else must be wrong. */
const MAX_GIVEN_UP_BATCHES = 10;

type Deps = {
  engine: CryptoEngine;
  http: MatrixHttp;
  /** Sends an event that the machine wants in a room, encrypted where the room is. */
  sendRoomEvent: (roomId: string, type: string, content: JsonObject, txnId: string) => Promise<string>;
  /** The server has other keys of this device than its machine: those it once had are lost. */
  onKeysLost: () => void;
};

/** Carries the engine's requests to the homeserver and the answers back. */
export type OutgoingSender = {
  /**
   * Sends all that waits, one after another; a call while one is under way sees to it that what came since goes too. What the server
   * refuses holds nothing else up and stays for the next time. Rejects when the server does not answer, or does not tell the keys of
   * others: one would encrypt for too few.
   */
  flush(): Promise<void>;
  send(request: OutgoingRequest): Promise<void>;
  sendAll(requests: readonly OutgoingRequest[]): Promise<void>;
};

export function createOutgoingSender({ engine, http, sendRoomEvent, onKeysLost }: Deps): OutgoingSender {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let roomEvents: Promise<unknown> = Promise.resolve();
  const onTheirWay = new Set<string>();
  let givenUpBatches = 0;

  async function drain(): Promise<void> {
    const refused = new Set<string>();
    let failure: RequestError | undefined;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const requests = await engine.outgoingRequests();
      for (const request of requests) if (request.kind === 'room-message') sendToRoom(request);
      const others = requests.filter((request) => request.kind !== 'room-message' && !refused.has(nameOf(request)));
      if (others.length === 0) break;
      for (const request of others) {
        const refusal = await trySend(request);
        if (refusal === undefined) continue;
        refused.add(nameOf(request));
        if (request.kind === 'keys-query') failure = refusal;
        else console.warn(`The server refused what encryption sends (${request.kind}); it is tried again later`, refusal);
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Sends a request; the error when the server refuses just this one. */
  async function trySend(request: OutgoingRequest): Promise<RequestError | undefined> {
    try {
      await send(request);
      return undefined;
    } catch (error) {
      if (!(error instanceof RequestError) || isTransient(error) || error.status === 401) throw error;
      return error;
    }
  }

  /** Events go on their own way: to encrypt one may need a flush, which must not wait for itself. */
  function sendToRoom(request: OutgoingRequest): void {
    if (onTheirWay.has(request.id)) return;
    onTheirWay.add(request.id);
    roomEvents = roomEvents
      .then(() => send(request))
      .catch((error: unknown) => {
        console.warn('A verification event could not be sent', error);
      })
      .finally(() => onTheirWay.delete(request.id));
  }

  async function send(request: OutgoingRequest): Promise<void> {
    const answer = await carry(request);
    await engine.markSent({ id: request.id, kind: request.kind }, answer);
  }

  /**
   * Uploads keys. When an id of a one-time key is taken by another (a store that was set back to an earlier state makes the same ids
   * anew), the batch is given up: the machine goes on with the ids behind it, and everything else of the upload goes without it.
   */
  async function carryKeys(body: JsonObject): Promise<JsonObject> {
    const deviceKeys = objectIn(body, 'device_keys');
    if (deviceKeys !== undefined) await checkDevice(deviceKeys);
    try {
      return await http.relay(uploadKeys, { body, patient: true });
    } catch (error) {
      const { one_time_keys: _batch, ...others } = body;
      const hasBatch = Object.keys(objectIn(body, 'one_time_keys') ?? {}).length > 0;
      if (!(error instanceof RequestError) || error.status !== 400 || !hasBatch || givenUpBatches >= MAX_GIVEN_UP_BATCHES) throw error;
      givenUpBatches += 1;
      const answer = await http.relay(uploadKeys, { body: others, patient: true });
      console.warn('One-time keys were given up that the server would not take', error);
      return answer;
    }
  }

  /**
   * A machine that publishes its device for the first time must not find another one under that name. Others remember the keys of a device
   * and would not believe new ones, so the device is given up instead of being replaced.
   */
  async function checkDevice(deviceKeys: JsonObject): Promise<void> {
    const [userId, deviceId] = [stringIn(deviceKeys, 'user_id') ?? '', stringIn(deviceKeys, 'device_id') ?? ''];
    const answer = await http.relay(queryKeys, { body: { device_keys: { [userId]: [deviceId] } }, patient: true });
    const published = objectIn(objectIn(objectIn(answer, 'device_keys'), userId), deviceId);
    const signingKeyOf = (keys: JsonObject | undefined) => stringIn(objectIn(keys, 'keys'), `ed25519:${deviceId}`);
    if (published === undefined || signingKeyOf(published) === signingKeyOf(deviceKeys)) return;
    onKeysLost();
    throw new Error('The keys of this device are lost: it has to be signed in anew');
  }

  async function carry(request: OutgoingRequest): Promise<JsonObject> {
    const { body } = request;
    switch (request.kind) {
      case 'keys-upload':
        return await carryKeys(body);
      case 'keys-query':
        return await http.relay(queryKeys, { body, patient: true });
      case 'keys-claim':
        return await http.relay(claimKeys, { body, patient: true });
      case 'signature-upload':
        return await http.relay(uploadCrossSigningSignatures, { body, patient: true });
      case 'keys-backup':
        return await http.relay(putRoomKeys, { query: { version: request.version }, body, patient: true });
      case 'to-device':
        return await http.relay(sendToDevice, { params: { eventType: request.eventType, txnId: request.txnId }, body, patient: true });
      case 'room-message':
        return { event_id: await sendRoomEvent(request.roomId, request.eventType, body, request.txnId) };
    }
  }

  function flush(): Promise<void> {
    if (current === undefined) {
      current = drain().finally(() => {
        current = undefined;
      });
      return current;
    }
    next ??= current
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return flush();
      });
    return next;
  }

  return {
    flush,
    send,
    async sendAll(requests) {
      for (const request of requests) await send(request);
    },
  };
}

/** What is asked for anew gets another id each time, and is known by its kind. */
function nameOf({ kind, id }: OutgoingRequest): string {
  return kind === 'keys-upload' || kind === 'keys-query' ? kind : id;
}
