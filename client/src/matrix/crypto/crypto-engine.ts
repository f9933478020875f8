import type { JsonObject } from '../json.ts';
import type { Unsubscribe } from '../observable/signal.ts';
import type { EventTrust, UndecryptableReason } from '../timeline/timeline-item.ts';
import type { VerificationState } from './verification.ts';

/**
 * The OlmMachine as the core sees it: plain values in and out, so that it may live in a Worker. It never touches the network:
 * requests come out as values (`OutgoingRequest`), are sent by the core, and their answers handed back with `markSent`.
 */
export type CryptoEngine = CryptoCalls & {
  listen(listener: (event: CryptoEvent) => void): Unsubscribe;
};

export type CryptoCalls = {
  identityKeys(): Promise<{ ed25519: string; curve25519: string }>;
  /** Hands over what a sync says of encryption. Do this before decrypting the room events of the same answer. */
  receiveSync(changes: SyncCryptoChanges): Promise<void>;
  /** Everything that waits to be sent. Send one after another, call `markSent` for each. */
  outgoingRequests(): Promise<OutgoingRequest[]>;
  markSent(request: { id: string; kind: OutgoingRequest['kind'] }, answer: JsonObject): Promise<void>;

  trackUsers(userIds: string[]): Promise<void>;
  /** A query of users' keys that does not wait for their device lists to be marked as changed. */
  queryKeys(userIds: string[]): Promise<OutgoingRequest>;
  /** Marks all device lists stale, after a gap that the server cannot fill. */
  markDeviceListsStale(): Promise<void>;
  /** A claim of one-time keys for devices we have no Olm session with; nothing when there are sessions with all. */
  claimMissingSessions(userIds: string[]): Promise<OutgoingRequest | undefined>;
  /** To-device messages that give the room's key to all devices that should have it; empty when they do. */
  shareRoomKey(roomId: string, userIds: string[], settings: RoomKeySettings): Promise<OutgoingRequest[]>;
  /** Remembers that the room is encrypted; throws when it would become weaker. */
  setRoomSettings(
    roomId: string,
    settings: { algorithm: string; rotationPeriodMs?: number; rotationPeriodMessages?: number },
  ): Promise<void>;
  /** The content of an `m.room.encrypted` event. `shareRoomKey` must have come before. */
  encrypt(roomId: string, eventType: string, content: JsonObject): Promise<JsonObject>;
  /** Decrypts events of one room, in order; one outcome each. */
  decrypt(roomId: string, events: JsonObject[]): Promise<DecryptOutcome[]>;
  /** Makes the next message start a new room key. */
  discardRoomKey(roomId: string): Promise<void>;

  crossSigningStatus(): Promise<CrossSigningStatus>;
  /** Makes (or with `reset` false, repeats) the requests that give the account its identity. */
  bootstrapCrossSigning(reset: boolean): Promise<CrossSigningRequests>;
  exportCrossSigningSecrets(): Promise<CrossSigningSecrets | undefined>;
  /** Takes private keys out of secret storage; they are checked against the public ones. */
  importCrossSigningSecrets(secrets: CrossSigningSecrets): Promise<CrossSigningStatus>;
  /** Signs this device with the identity whose keys it holds. */
  signOwnDevice(): Promise<OutgoingRequest | undefined>;
  /** Asks our other verified devices for secrets that this one lacks. */
  requestMissingSecrets(): Promise<boolean>;

  /** Makes a key pair for a new backup, and its `auth_data`, signed. Kept nowhere until `enableBackup`. */
  createBackupKey(): Promise<{ decryptionKey: string; publicKey: string; authData: JsonObject }>;
  /** The public key that belongs to a backup's decryption key. */
  backupPublicKey(decryptionKey: string): Promise<string>;
  /** Whether the server's backup is signed by a device or an identity we trust. */
  isBackupTrusted(version: JsonObject): Promise<boolean>;
  enableBackup(backup: { publicKey: string; version: string; decryptionKey: string | undefined }): Promise<void>;
  disableBackup(): Promise<void>;
  backupKeys(): Promise<{ decryptionKey: string | undefined; version: string | undefined; enabled: boolean }>;
  /** The next batch of keys to upload; nothing when all are saved. */
  nextBackupBatch(): Promise<OutgoingRequest | undefined>;
  roomKeyCounts(): Promise<{ total: number; backedUp: number }>;
  /** Decrypts and takes in keys as `GET /room_keys/keys` gives them. How many were new. */
  importBackup(rooms: JsonObject, options: { decryptionKey: string; version: string }): Promise<number>;
  /** The secret of this name that another device sent us, checked to be from a verified device of ours. */
  receivedSecrets(name: string): Promise<string[]>;
  forgetReceivedSecrets(name: string): Promise<void>;
  exportRoomKeys(passphrase: string): Promise<string>;
  importRoomKeys(exported: string, passphrase: string): Promise<number>;

  devices(userId: string): Promise<EngineDevice[]>;
  userIdentity(userId: string): Promise<EngineIdentity | undefined>;

  /** A verification event in a room, decrypted. */
  receiveRoomVerificationEvent(roomId: string, event: JsonObject): Promise<void>;
  requestSelfVerification(deviceId: string | undefined): Promise<{ flow: VerificationFlow; requests: OutgoingRequest[] }>;
  /** The content of the `m.room.message` that asks another user to verify; then call `startUserVerification` with its event id. */
  userVerificationContent(userId: string): Promise<JsonObject>;
  startUserVerification(userId: string, roomId: string, eventId: string): Promise<VerificationFlow>;
  acceptVerification(userId: string, flowId: string): Promise<OutgoingRequest[]>;
  confirmVerification(userId: string, flowId: string): Promise<OutgoingRequest[]>;
  cancelVerification(userId: string, flowId: string, mismatch: boolean): Promise<OutgoingRequest[]>;

  /** Closes the store; no call is answered after it. */
  close(): Promise<void>;
};

/** Something that the engine tells by itself. */
export type CryptoEvent =
  | { type: 'room-keys'; keys: { roomId: string; sessionId: string }[] }
  | { type: 'room-keys-withheld'; keys: { roomId: string; sessionId: string }[] }
  | { type: 'secret'; name: string }
  | { type: 'devices-changed'; userIds: string[] }
  | { type: 'identity-changed'; userId: string }
  | { type: 'verification'; flow: VerificationFlow }
  /** A verification step made new messages to send. */
  | { type: 'outgoing'; requests: OutgoingRequest[] };

export type SyncCryptoChanges = {
  toDevice: JsonObject[];
  changed: string[];
  left: string[];
  /** What the server still has, by algorithm; nothing when this answer does not say. */
  oneTimeKeyCounts: { [algorithm: string]: number } | undefined;
  unusedFallbackKeys: string[] | undefined;
};

export type OutgoingRequest =
  | { kind: 'keys-upload' | 'keys-query' | 'keys-claim' | 'signature-upload'; id: string; body: JsonObject }
  | { kind: 'to-device'; id: string; body: JsonObject; eventType: string; txnId: string }
  | { kind: 'room-message'; id: string; body: JsonObject; eventType: string; txnId: string; roomId: string }
  | { kind: 'keys-backup'; id: string; body: JsonObject; version: string };

export type RoomKeySettings = {
  historyVisibility: 'invited' | 'joined' | 'shared' | 'world_readable';
  rotationPeriodMs?: number;
  rotationPeriodMessages?: number;
  /** Leaves out devices that their owner has not verified. */
  onlyTrustedDevices: boolean;
};

export type DecryptOutcome =
  | { ok: true; type: string; content: JsonObject; trust: EventTrust }
  | { ok: false; reason: UndecryptableReason };

export type CrossSigningStatus = {
  hasMaster: boolean;
  hasSelfSigning: boolean;
  hasUserSigning: boolean;
  /** The account has an identity, here or at the server (as far as its keys were queried). */
  identityExists: boolean;
  /** We trust that identity: it is ours or verified. */
  identityVerified: boolean;
  /** This device is signed by it. */
  deviceSigned: boolean;
};

export type CrossSigningRequests = {
  uploadKeys: OutgoingRequest | undefined;
  /** The body of `POST /keys/device_signing/upload`, without `auth`. */
  uploadSigningKeys: JsonObject;
  uploadSignatures: OutgoingRequest;
};

export type CrossSigningSecrets = { master: string | undefined; selfSigning: string | undefined; userSigning: string | undefined };

export type EngineDevice = { deviceId: string; displayName: string | undefined; isVerified: boolean; isSignedByOwner: boolean };

export type EngineIdentity = { masterKey: string; isVerified: boolean; wasVerified: boolean; hasChanged: boolean };

export type VerificationFlow = {
  flowId: string;
  otherUserId: string;
  otherDeviceId: string | undefined;
  roomId: string | undefined;
  isSelf: boolean;
  state: VerificationState;
};
