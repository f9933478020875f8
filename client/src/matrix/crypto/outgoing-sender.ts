import { uploadCrossSigningSignatures } from 'federation-spec/api/client/cross-signing.ts';
import { putRoomKeys } from 'federation-spec/api/client/key-backup.ts';
import { claimKeys, queryKeys, uploadKeys } from 'federation-spec/api/client/keys.ts';
import { sendToDevice } from 'federation-spec/api/client/to-device.ts';
import type { MatrixHttp } from '../http/matrix-http.ts';
import type { JsonObject } from '../json.ts';
import type { CryptoEngine, OutgoingRequest } from './crypto-engine.ts';

/** Rounds of "what else is to be sent" before giving the turn back. */
const MAX_ROUNDS = 20;

type Deps = {
  engine: CryptoEngine;
  http: MatrixHttp;
  /** Sends an event that the machine wants in a room, encrypted where the room is. */
  sendRoomEvent: (roomId: string, type: string, content: JsonObject, txnId: string) => Promise<string>;
};

/** Carries the engine's requests to the homeserver and the answers back. */
export type OutgoingSender = {
  /** Sends all that waits, one after another; a call while one is under way sees to it that what came since goes too. */
  flush(): Promise<void>;
  send(request: OutgoingRequest): Promise<void>;
  sendAll(requests: readonly OutgoingRequest[]): Promise<void>;
};

export function createOutgoingSender({ engine, http, sendRoomEvent }: Deps): OutgoingSender {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let roomEvents: Promise<unknown> = Promise.resolve();
  const onTheirWay = new Set<string>();

  async function drain(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const requests = await engine.outgoingRequests();
      for (const request of requests) if (request.kind === 'room-message') sendToRoom(request);
      const others = requests.filter(({ kind }) => kind !== 'room-message');
      if (others.length === 0) return;
      for (const request of others) await send(request);
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

  async function carry(request: OutgoingRequest): Promise<JsonObject> {
    const { body } = request;
    switch (request.kind) {
      case 'keys-upload':
        return await http.relay(uploadKeys, { body, patient: true });
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
