import {
  BackupDecryptionKey,
  CollectStrategy,
  DecryptionSettings,
  DeviceId,
  DeviceLists,
  EncryptionAlgorithm,
  EncryptionSettings,
  HistoryVisibility,
  initAsync,
  OlmMachine,
  OwnUserIdentity,
  type ProcessedToDeviceEventType,
  RoomId,
  RoomSettings,
  StoreHandle,
  TrustRequirement,
  UserId,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { type JsonObject, numberIn, objectIn, stringIn } from '../json.ts';
import { createEmitter } from '../observable/emitter.ts';
import type { StartCryptoOptions } from '../platform.ts';
import type { CrossSigningStatus, CryptoEngine, CryptoEvent, DecryptOutcome, RoomKeySettings } from './crypto-engine.ts';
import { toDecryptFailure, toDecryptOutcome } from './decrypt-outcome.ts';
import { createMachineVerifications, type MachineVerifications } from './machine-verifications.ts';
import { type MachineRequest, parseObject, requestTypeOf, toOutgoingRequest } from './outgoing-request.ts';

/** How slow an exported key file is made to guess. */
const EXPORT_PBKDF2_ROUNDS = 500_000;

const HISTORY_VISIBILITY: { readonly [Name in RoomKeySettings['historyVisibility']]: HistoryVisibility } = {
  invited: HistoryVisibility.Invited,
  joined: HistoryVisibility.Joined,
  shared: HistoryVisibility.Shared,
  world_readable: HistoryVisibility.WorldReadable,
};

type EngineOptions = StartCryptoOptions & {
  /** Where to fetch the WebAssembly module from; the package's own place when left out (Node reads it from disk). */
  wasmUrl?: string | URL;
  /** Whether an IndexedDB is there to keep keys in; without it they live in memory only. */
  isPersistent: boolean;
};

type Parts = { machine: OlmMachine; verifications: MachineVerifications; tell: (event: CryptoEvent) => void };

/** Opens the crypto store of a device and starts its machine in this thread. The store is encrypted with `storeKey` (32 bytes). */
export async function createCryptoEngine(options: EngineOptions): Promise<CryptoEngine> {
  await initAsync(options.wasmUrl);
  const store = options.isPersistent
    ? await StoreHandle.openWithKey(options.storeName, options.storeKey)
    : await StoreHandle.open(undefined, undefined);
  const machine = await OlmMachine.initFromStore(new UserId(options.userId), new DeviceId(options.deviceId), store);
  store.free();

  const events = createEmitter<CryptoEvent>();
  const tell = (event: CryptoEvent): void => events.emit(event);
  const parts = { machine, tell, verifications: createMachineVerifications(machine, tell) };
  registerCallbacks(parts);

  return {
    listen: events.listen,
    ...messageCalls(parts),
    ...identityCalls(parts),
    ...backupCalls(parts),
    ...verificationCalls(parts),
    close: async () => machine.close(),
  };
}

function registerCallbacks({ machine, tell }: Parts): void {
  machine.registerRoomKeyUpdatedCallback(async (keys) => {
    tell({ type: 'room-keys', keys: keys.map(({ roomId, sessionId }) => ({ roomId: roomId.toString(), sessionId })) });
  });
  machine.registerRoomKeysWithheldCallback(async (keys) => {
    tell({ type: 'room-keys-withheld', keys: keys.map(({ roomId, sessionId }) => ({ roomId: roomId.toString(), sessionId })) });
  });
  machine.registerReceiveSecretCallback(async (name) => tell({ type: 'secret', name }));
  machine.registerDevicesUpdatedCallback(async (userIds) => tell({ type: 'devices-changed', userIds }));
  machine.registerUserIdentityUpdatedCallback(async (userId) => tell({ type: 'identity-changed', userId: userId.toString() }));
}

type MessageCall =
  | 'identityKeys'
  | 'receiveSync'
  | 'outgoingRequests'
  | 'markSent'
  | 'trackUsers'
  | 'queryKeys'
  | 'markDeviceListsStale'
  | 'claimMissingSessions'
  | 'shareRoomKey'
  | 'setRoomSettings'
  | 'encrypt'
  | 'decrypt'
  | 'discardRoomKey';

function messageCalls({ machine, verifications }: Parts): Pick<CryptoEngine, MessageCall> {
  return {
    async identityKeys() {
      const { ed25519, curve25519 } = machine.identityKeys;
      return { ed25519: ed25519.toBase64(), curve25519: curve25519.toBase64() };
    },
    async receiveSync({ toDevice, changed, left, oneTimeKeyCounts, unusedFallbackKeys }) {
      const lists = new DeviceLists(toUserIds(changed), toUserIds(left));
      const text = JSON.stringify(toDevice);
      const fallback = unusedFallbackKeys === undefined ? undefined : new Set(unusedFallbackKeys);
      const processed =
        oneTimeKeyCounts === undefined
          ? await machine.receiveSyncChangesMsc4186(text, lists, new Map(), fallback)
          : await machine.receiveSyncChanges(text, lists, new Map(Object.entries(oneTimeKeyCounts)), fallback);
      for (const event of processed) noticeToDevice(verifications, event);
    },
    async outgoingRequests() {
      const requests: MachineRequest[] = await machine.outgoingRequests();
      return requests.map(toOutgoingRequest);
    },
    async markSent({ id, kind }, answer) {
      await machine.markRequestAsSent(id, requestTypeOf(kind), JSON.stringify(answer));
    },
    trackUsers: async (userIds) => await machine.updateTrackedUsers(toUserIds(userIds)),
    queryKeys: async (userIds) => toOutgoingRequest(machine.queryKeysForUsers(toUserIds(userIds))),
    markDeviceListsStale: async () => await machine.markAllTrackedUsersAsDirty(),
    async claimMissingSessions(userIds) {
      const request = await machine.getMissingSessions(toUserIds(userIds));
      return request === null || request === undefined ? undefined : toOutgoingRequest(request);
    },
    async shareRoomKey(roomId, userIds, settings) {
      const requests = await machine.shareRoomKey(new RoomId(roomId), toUserIds(userIds), toEncryptionSettings(settings));
      return requests.map(toOutgoingRequest);
    },
    async setRoomSettings(roomId, { algorithm, rotationPeriodMs, rotationPeriodMessages }) {
      const settings = new RoomSettings();
      settings.algorithm = algorithm === 'm.megolm.v1.aes-sha2' ? EncryptionAlgorithm.MegolmV1AesSha2 : EncryptionAlgorithm.Unknown;
      settings.sessionRotationPeriodMs = rotationPeriodMs;
      settings.sessionRotationPeriodMessages = rotationPeriodMessages;
      await machine.setRoomSettings(new RoomId(roomId), settings);
    },
    async encrypt(roomId, eventType, content) {
      return parseObject(await machine.encryptRoomEvent(new RoomId(roomId), eventType, JSON.stringify(content)));
    },
    async decrypt(roomId, events) {
      const outcomes: DecryptOutcome[] = [];
      for (const event of events) outcomes.push(await decryptOne(machine, roomId, event));
      return outcomes;
    },
    async discardRoomKey(roomId) {
      await machine.invalidateGroupSession(new RoomId(roomId));
    },
  };
}

async function decryptOne(machine: OlmMachine, roomId: string, event: JsonObject): Promise<DecryptOutcome> {
  try {
    const settings = new DecryptionSettings(TrustRequirement.Untrusted);
    return toDecryptOutcome(await machine.decryptRoomEvent(JSON.stringify(event), new RoomId(roomId), settings));
  } catch (error) {
    return toDecryptFailure(error, { sentAtMs: numberIn(event, 'origin_server_ts') ?? 0, deviceCreatedAtMs: machine.deviceCreationTimeMs });
  }
}

function noticeToDevice(verifications: MachineVerifications, processed: { type: ProcessedToDeviceEventType; rawEvent: string }): void {
  verifications.noticeEvent(parseObject(processed.rawEvent), undefined);
}

type IdentityCall =
  | 'crossSigningStatus'
  | 'bootstrapCrossSigning'
  | 'exportCrossSigningSecrets'
  | 'importCrossSigningSecrets'
  | 'signOwnDevice'
  | 'requestMissingSecrets'
  | 'receivedSecrets'
  | 'forgetReceivedSecrets'
  | 'devices'
  | 'userIdentity';

function identityCalls({ machine }: Parts): Pick<CryptoEngine, IdentityCall> {
  return {
    crossSigningStatus: async () => await readCrossSigningStatus(machine),
    async bootstrapCrossSigning(reset) {
      const requests = await machine.bootstrapCrossSigning(reset);
      const uploadKeys: MachineRequest | undefined = requests.uploadKeysRequest;
      return {
        uploadKeys: uploadKeys === undefined || uploadKeys === null ? undefined : toOutgoingRequest(uploadKeys),
        uploadSigningKeys: parseObject(requests.uploadSigningKeysRequest.body),
        uploadSignatures: toOutgoingRequest(requests.uploadSignaturesRequest),
      };
    },
    async exportCrossSigningSecrets() {
      const keys = await machine.exportCrossSigningKeys();
      if (keys === undefined) return undefined;
      return { master: keys.masterKey, selfSigning: keys.self_signing_key, userSigning: keys.userSigningKey };
    },
    async importCrossSigningSecrets({ master, selfSigning, userSigning }) {
      await machine.importCrossSigningKeys(master, selfSigning, userSigning);
      return await readCrossSigningStatus(machine);
    },
    async signOwnDevice() {
      const device = await machine.getDevice(machine.userId, machine.deviceId);
      return device === undefined ? undefined : toOutgoingRequest(await device.verify());
    },
    requestMissingSecrets: async () => await machine.requestMissingSecretsIfNeeded(),
    receivedSecrets: async (name) => [...(await machine.getSecretsFromInbox(name))],
    forgetReceivedSecrets: async (name) => await machine.deleteSecretsFromInbox(name),
    async devices(userId) {
      const devices = await machine.getUserDevices(new UserId(userId));
      return devices.devices().map((device) => ({
        deviceId: device.deviceId.toString(),
        displayName: device.displayName,
        isVerified: device.isVerified(),
        isSignedByOwner: device.isCrossSignedByOwner(),
      }));
    },
    async userIdentity(userId) {
      const identity = await machine.getIdentity(new UserId(userId));
      if (identity === undefined) return undefined;
      return {
        masterKey: identity.masterKey,
        isVerified: identity.isVerified(),
        wasVerified: identity.wasPreviouslyVerified(),
        hasChanged: identity instanceof OwnUserIdentity ? identity.hasVerificationViolation() : identity.identityNeedsUserApproval(),
      };
    },
  };
}

async function readCrossSigningStatus(machine: OlmMachine): Promise<CrossSigningStatus> {
  const { hasMaster, hasSelfSigning, hasUserSigning } = await machine.crossSigningStatus();
  const identity = await machine.getIdentity(machine.userId);
  const device = await machine.getDevice(machine.userId, machine.deviceId);
  return {
    hasMaster,
    hasSelfSigning,
    hasUserSigning,
    identityExists: identity !== undefined,
    identityVerified: identity?.isVerified() ?? false,
    deviceSigned: device?.isCrossSignedByOwner() ?? false,
  };
}

type BackupCall =
  | 'createBackupKey'
  | 'backupPublicKey'
  | 'isBackupTrusted'
  | 'enableBackup'
  | 'disableBackup'
  | 'backupKeys'
  | 'nextBackupBatch'
  | 'roomKeyCounts'
  | 'importBackup'
  | 'exportRoomKeys'
  | 'importRoomKeys';

function backupCalls({ machine }: Parts): Pick<CryptoEngine, BackupCall> {
  return {
    async createBackupKey() {
      const key = BackupDecryptionKey.createRandomKey();
      const publicKey = key.megolmV1PublicKey.publicKeyBase64;
      const signatures = await machine.sign(JSON.stringify({ public_key: publicKey }));
      return {
        decryptionKey: key.toBase64(),
        publicKey,
        authData: { public_key: publicKey, signatures: parseObject(signatures.asJSON()) },
      };
    },
    backupPublicKey: async (decryptionKey) => BackupDecryptionKey.fromBase64(decryptionKey).megolmV1PublicKey.publicKeyBase64,
    async isBackupTrusted(version) {
      const verification = await machine.verifyBackup(version);
      return verification.trusted();
    },
    async enableBackup({ publicKey, version, decryptionKey }) {
      if (decryptionKey !== undefined) await machine.saveBackupDecryptionKey(BackupDecryptionKey.fromBase64(decryptionKey), version);
      await machine.enableBackupV1(publicKey, version);
    },
    disableBackup: async () => await machine.disableBackup(),
    async backupKeys() {
      const keys = await machine.getBackupKeys();
      return { decryptionKey: keys.decryptionKeyBase64, version: keys.backupVersion, enabled: await machine.isBackupEnabled() };
    },
    async nextBackupBatch() {
      const request = await machine.backupRoomKeys();
      return request === undefined || request === null ? undefined : toOutgoingRequest(request);
    },
    async roomKeyCounts() {
      const { total, backedUp } = await machine.roomKeyCounts();
      return { total, backedUp };
    },
    async importBackup(rooms, { decryptionKey, version }) {
      const keys = decryptBackup(rooms, BackupDecryptionKey.fromBase64(decryptionKey));
      const result = await machine.importBackedUpRoomKeys(keys, () => undefined, version);
      return result.importedCount;
    },
    async exportRoomKeys(passphrase) {
      return OlmMachine.encryptExportedRoomKeys(await machine.exportRoomKeys(() => true), passphrase, EXPORT_PBKDF2_ROUNDS);
    },
    async importRoomKeys(exported, passphrase) {
      const result = await machine.importExportedRoomKeys(OlmMachine.decryptExportedRoomKeys(exported, passphrase), () => undefined);
      return result.importedCount;
    },
  };
}

/** Decrypts `rooms` of a backup answer. A key that cannot be read is left out: the others are still worth having. */
function decryptBackup(rooms: JsonObject, key: BackupDecryptionKey): Map<RoomId, Map<string, JsonObject>> {
  const decrypted = new Map<RoomId, Map<string, JsonObject>>();
  for (const [roomId, room] of Object.entries(rooms)) {
    const sessions = new Map<string, JsonObject>();
    for (const [sessionId, session] of Object.entries(objectIn(room, 'sessions') ?? {})) {
      const data = objectIn(session, 'session_data');
      const clear = decryptSession(data, key);
      if (clear !== undefined) sessions.set(sessionId, clear);
    }
    decrypted.set(new RoomId(roomId), sessions);
  }
  return decrypted;
}

function decryptSession(data: JsonObject | undefined, key: BackupDecryptionKey): JsonObject | undefined {
  try {
    return parseObject(key.decryptV1(stringIn(data, 'ephemeral') ?? '', stringIn(data, 'mac') ?? '', stringIn(data, 'ciphertext') ?? ''));
  } catch {
    return undefined;
  }
}

type VerificationCall =
  | 'receiveRoomVerificationEvent'
  | 'requestSelfVerification'
  | 'userVerificationContent'
  | 'startUserVerification'
  | 'acceptVerification'
  | 'confirmVerification'
  | 'cancelVerification';

function verificationCalls({ machine, verifications }: Parts): Pick<CryptoEngine, VerificationCall> {
  return {
    async receiveRoomVerificationEvent(roomId, event) {
      await machine.receiveVerificationEvent(JSON.stringify(event), new RoomId(roomId));
      verifications.noticeEvent(event, roomId);
    },
    requestSelfVerification: async (deviceId) => await verifications.requestSelf(deviceId),
    userVerificationContent: async (userId) => await verifications.userContent(userId),
    startUserVerification: async (userId, roomId, eventId) => await verifications.startUser(userId, roomId, eventId),
    acceptVerification: async (userId, flowId) => verifications.accept(userId, flowId),
    confirmVerification: async (userId, flowId) => await verifications.confirm(userId, flowId),
    cancelVerification: async (userId, flowId, mismatch) => verifications.cancel(userId, flowId, mismatch),
  };
}

/** Names that are no user ids are left out: one of them, sent by a hostile server, must not stop the rest. */
function toUserIds(userIds: readonly string[]): UserId[] {
  return userIds.flatMap((userId) => {
    try {
      return [new UserId(userId)];
    } catch {
      return [];
    }
  });
}

function toEncryptionSettings(settings: RoomKeySettings): EncryptionSettings {
  const machineSettings = new EncryptionSettings();
  machineSettings.historyVisibility = HISTORY_VISIBILITY[settings.historyVisibility];
  if (settings.rotationPeriodMs !== undefined) machineSettings.rotationPeriod = BigInt(settings.rotationPeriodMs) * 1000n;
  if (settings.rotationPeriodMessages !== undefined) machineSettings.rotationPeriodMessages = BigInt(settings.rotationPeriodMessages);
  machineSettings.sharingStrategy = settings.onlyTrustedDevices ? CollectStrategy.onlyTrustedDevices() : CollectStrategy.allDevices();
  return machineSettings;
}
