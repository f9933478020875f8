import {
  type KeysBackupRequest,
  type KeysClaimRequest,
  type KeysQueryRequest,
  type KeysUploadRequest,
  RequestType,
  type RoomMessageRequest,
  type SignatureUploadRequest,
  type ToDeviceRequest,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { isJsonObject, type JsonObject, objectIn } from '../json.ts';
import type { OutgoingRequest } from './crypto-engine.ts';

export type MachineRequest =
  | KeysUploadRequest
  | KeysQueryRequest
  | KeysClaimRequest
  | ToDeviceRequest
  | SignatureUploadRequest
  | RoomMessageRequest
  | KeysBackupRequest;

const TYPE_BY_KIND: { readonly [Kind in OutgoingRequest['kind']]: RequestType } = {
  'keys-upload': RequestType.KeysUpload,
  'keys-query': RequestType.KeysQuery,
  'keys-claim': RequestType.KeysClaim,
  'to-device': RequestType.ToDevice,
  'signature-upload': RequestType.SignatureUpload,
  'room-message': RequestType.RoomMessage,
  'keys-backup': RequestType.KeysBackup,
};

/** The machine's own number for a kind of request, to hand its answer back. */
export function requestTypeOf(kind: OutgoingRequest['kind']): RequestType {
  return TYPE_BY_KIND[kind];
}

/** A request of the machine as a plain value that can leave a Worker. */
export function toOutgoingRequest(request: MachineRequest): OutgoingRequest {
  const id = request.id ?? '';
  const body = parseObject(request.body);
  switch (request.type) {
    case RequestType.ToDevice: {
      const toDevice = request as ToDeviceRequest;
      return {
        kind: 'to-device',
        id,
        eventType: toDevice.event_type,
        txnId: toDevice.txn_id,
        body: objectIn(body, 'messages') === undefined ? { messages: body } : body,
      };
    }
    case RequestType.RoomMessage: {
      const message = request as RoomMessageRequest;
      return { kind: 'room-message', id, eventType: message.event_type, txnId: message.txn_id, roomId: message.room_id, body };
    }
    case RequestType.KeysBackup:
      return { kind: 'keys-backup', id, version: (request as KeysBackupRequest).version, body };
    case RequestType.KeysUpload:
      return { kind: 'keys-upload', id, body };
    case RequestType.KeysQuery:
      return { kind: 'keys-query', id, body };
    case RequestType.KeysClaim:
      return { kind: 'keys-claim', id, body };
    case RequestType.SignatureUpload:
      return { kind: 'signature-upload', id, body };
  }
}

/** Parses JSON that must be an object. */
export function parseObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error('Expected a JSON object');
  return value;
}
