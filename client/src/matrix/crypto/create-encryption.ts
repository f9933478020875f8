import { uploadCrossSigningKeys } from 'federation-spec/api/client/cross-signing.ts';
import { getDevices } from 'federation-spec/api/client/devices.ts';
import type { ClientContext } from '../client-context.ts';
import type { JsonObject } from '../json.ts';
import { createSignal } from '../observable/signal.ts';
import { randomId } from '../random-id.ts';
import type { Authenticate } from '../session/interactive-auth.ts';
import { runInteractiveAuth } from '../session/run-interactive-auth.ts';
import { isSame } from '../timeline/reuse-unchanged.ts';
import type { StoredEvent } from '../timeline/stored-event.ts';
import type { CryptoEvent } from './crypto-engine.ts';
import type { CryptoParts } from './crypto-parts.ts';
import { type Encryption, type EncryptionState, RecoveryError } from './encryption.ts';
import { createKeyBackup } from './key-backup.ts';
import type { LateKeys } from './late-keys.ts';
import { createSecretStorage, type StorageKey } from './secret-storage.ts';
import { createVerifications } from './verifications.ts';

const MASTER = 'm.cross_signing.master';
const SELF_SIGNING = 'm.cross_signing.self_signing';
const USER_SIGNING = 'm.cross_signing.user_signing';
const BACKUP = 'm.megolm_backup.v1';

type Deps = {
  context: ClientContext;
  deviceId: string;
  lateKeys: LateKeys;
  openDirectChat: (userId: string) => Promise<string>;
  sendRoomEvent: (roomId: string, type: string, content: JsonObject, txnId: string) => Promise<string>;
};

/** What the client tells its encryption, beside what views see of it. */
export type ClientEncryption = Encryption & {
  attach(parts: CryptoParts): void;
  /** The client stops: what is under way may fail without anybody being told. */
  detach(): void;
  unavailable(): void;
  /** A sync was taken in; these account data types came with it. */
  noticeSync(accountDataTypes: readonly string[]): void;
  noticeUnreadable(roomId: string, events: readonly StoredEvent[]): void;
};

/** Cross-signing, recovery, backup and verification of one account on this device. */
export function createEncryption({ context, deviceId, lateKeys, openDirectChat, sendRoomEvent }: Deps): ClientEncryption {
  const { http, ownUserId } = context;
  const state = createSignal<EncryptionState>({ state: 'loading' });
  const storage = createSecretStorage(context);
  let parts: CryptoParts | undefined;
  let hasSynced = false;
  let refreshing: Promise<void> | undefined;
  let refreshAgain = false;

  const crypto = (): CryptoParts | undefined => parts;
  const backup = createKeyBackup({
    http,
    lateKeys,
    crypto,
    onChange: (backupState) => {
      const known = state.get();
      if (known.state === 'ready') setState({ ...known, backup: backupState });
    },
  });
  const verifications = createVerifications({ crypto, onDone: () => background(afterVerification()) });

  function setState(next: EncryptionState): void {
    if (!isSame(state.get(), next)) state.set(next);
  }

  /** What goes on by itself has nobody to tell its failure to; it is tried again when the next thing happens. */
  function background(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (parts !== undefined) console.warn('A step of encryption failed', error);
    });
  }

  function loadParts(): CryptoParts {
    if (parts === undefined) throw new Error('Encryption is not available here');
    return parts;
  }

  /** Works out where we stand; once at a time, and again when asked meanwhile. */
  function refresh(): Promise<void> {
    refreshAgain = true;
    refreshing ??= (async () => {
      while (refreshAgain) {
        refreshAgain = false;
        await workOutState();
      }
    })().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function workOutState(): Promise<void> {
    if (parts === undefined) return;
    const { engine, sender } = parts;
    await engine.trackUsers([ownUserId]);
    await sender.flush();
    const status = await engine.crossSigningStatus();
    if (!status.identityExists) return setState({ state: 'needs-setup' });
    const hasRecovery = await storage.hasDefaultKey();
    if (!status.deviceSigned || !status.identityVerified) {
      const devices = await engine.devices(ownUserId);
      const otherDevices = devices.filter((device) => device.deviceId !== deviceId && device.isSignedByOwner).length;
      return setState({ state: 'needs-verification', hasRecovery, otherDevices });
    }
    await backup.check();
    setState({ state: 'ready', backup: backup.state(), recovery: hasRecovery ? 'set-up' : 'none' });
  }

  function onEvent(event: CryptoEvent): void {
    switch (event.type) {
      case 'room-keys':
        backup.uploadSoon();
        background(lateKeys.retry(event.keys));
        break;
      case 'room-keys-withheld':
        background(lateKeys.retry(event.keys));
        break;
      case 'secret':
        background(takeSecret(event.name));
        break;
      case 'identity-changed':
        background(lateKeys.refreshTrust([event.userId]));
        if (event.userId === ownUserId && hasSynced) background(refresh());
        break;
      case 'devices-changed':
        background(lateKeys.refreshTrust(event.userIds));
        if (event.userIds.includes(ownUserId) && hasSynced) background(refresh());
        break;
      case 'verification':
        verifications.update(event.flow);
        break;
      case 'outgoing':
        background(loadParts().sender.sendAll(event.requests));
        break;
    }
  }

  /** Another device of ours sent a secret: the cross-signing ones the engine keeps by itself, the backup's key is ours to use. */
  async function takeSecret(name: string): Promise<void> {
    const { engine } = loadParts();
    if (name !== BACKUP) return await refresh();
    for (const secret of await engine.receivedSecrets(name)) {
      if (!(await backup.unlock(secret))) continue;
      await engine.forgetReceivedSecrets(name);
      await backup.restore();
      break;
    }
    await refresh();
  }

  async function afterVerification(): Promise<void> {
    const { engine, sender } = loadParts();
    await sender.flush();
    await engine.requestMissingSecrets();
    await sender.flush();
    await refresh();
  }

  /** Our own identity and devices as the server has them now, without waiting for a sync to say that they changed. */
  async function queryOwnKeys(): Promise<void> {
    const { engine, sender } = loadParts();
    await engine.trackUsers([ownUserId]);
    await sender.send(await engine.queryKeys([ownUserId]));
  }

  async function uploadIdentity(reset: boolean, authenticate: Authenticate): Promise<void> {
    const { engine, sender } = loadParts();
    const requests = await engine.bootstrapCrossSigning(reset);
    if (requests.uploadKeys !== undefined) await sender.send(requests.uploadKeys);
    const upload = (auth: JsonObject | undefined): Promise<JsonObject> =>
      http.relay(uploadCrossSigningKeys, {
        body: auth === undefined ? requests.uploadSigningKeys : { ...requests.uploadSigningKeys, auth },
      });
    await runInteractiveAuth(upload, authenticate);
    await sender.send(requests.uploadSignatures);
    await queryOwnKeys();
  }

  /** Puts everything that a new device will need under a new recovery key. The key becomes the account's only when all is there. */
  async function storeSecrets(backupKey: string): Promise<string> {
    const secrets = await loadParts().engine.exportCrossSigningSecrets();
    if (secrets?.master === undefined || secrets.selfSigning === undefined || secrets.userSigning === undefined) {
      throw new Error('This device does not hold the secrets of the account');
    }
    const key = await storage.createKey();
    await storage.store(key, MASTER, secrets.master);
    await storage.store(key, SELF_SIGNING, secrets.selfSigning);
    await storage.store(key, USER_SIGNING, secrets.userSigning);
    await storage.store(key, BACKUP, backupKey);
    await storage.useKey(key);
    return key.recoveryKey;
  }

  async function makeIdentity(reset: boolean, authenticate: Authenticate): Promise<{ recoveryKey: string }> {
    await uploadIdentity(reset, authenticate);
    const recoveryKey = await storeSecrets(await backup.create());
    await refresh();
    return { recoveryKey };
  }

  async function recoverIdentity(key: StorageKey): Promise<void> {
    const { engine, sender } = loadParts();
    await queryOwnKeys();
    const master = await storage.read(key, MASTER);
    const selfSigning = await storage.read(key, SELF_SIGNING);
    const userSigning = await storage.read(key, USER_SIGNING);
    if (master === undefined || selfSigning === undefined)
      throw new RecoveryError('The recovery key opens nothing: the secrets were made with another one');
    const status = await engine.importCrossSigningSecrets({ master, selfSigning, userSigning });
    if (!status.hasSelfSigning) throw new RecoveryError('The stored secrets do not fit the identity of this account');
    const signature = await engine.signOwnDevice();
    if (signature !== undefined) await sender.send(signature);
    await queryOwnKeys();
  }

  return {
    state,
    verification: verifications.current,
    attach(attached) {
      parts = attached;
      attached.engine.listen(onEvent);
      // What an earlier start could not read, it perhaps can now.
      background(lateKeys.retryAll());
    },
    detach() {
      parts = undefined;
    },
    unavailable: () => setState({ state: 'unavailable' }),
    noticeSync(accountDataTypes) {
      if (parts === undefined) return;
      const isNews =
        !hasSynced || accountDataTypes.some((type) => type.startsWith('m.secret_storage.') || type.startsWith('m.cross_signing.'));
      hasSynced = true;
      if (isNews) background(refresh());
    },
    noticeUnreadable: (roomId, events) => backup.fetchMissing(roomId, events),

    setUp: ({ authenticate }) => makeIdentity(false, authenticate),
    resetIdentity: ({ authenticate }) => makeIdentity(true, authenticate),
    async resetRecovery() {
      const recoveryKey = await storeSecrets((await backup.decryptionKey()) ?? (await backup.create()));
      await refresh();
      return { recoveryKey };
    },
    async recover(typed) {
      const key = await storage.unlock(typed);
      await recoverIdentity(key);
      const backupKey = await storage.read(key, BACKUP);
      if (backupKey !== undefined && (await backup.unlock(backupKey))) background(backup.restore());
      await refresh();
    },
    async verifyOwnDevice(otherDeviceId) {
      const { engine, sender } = loadParts();
      await sender.flush();
      const { flow, requests } = await engine.requestSelfVerification(otherDeviceId);
      const verification = verifications.update(flow);
      await sender.sendAll(requests);
      return verification;
    },
    async verifyUser(userId) {
      const { engine, sender } = loadParts();
      await engine.trackUsers([userId]);
      await sender.flush();
      const content = await engine.userVerificationContent(userId);
      const roomId = await openDirectChat(userId);
      const eventId = await sendRoomEvent(roomId, 'm.room.message', content, randomId());
      return verifications.update(await engine.startUserVerification(userId, roomId, eventId));
    },
    async listDevices() {
      const [{ devices = [] }, trusted] = await Promise.all([http.request(getDevices, {}), parts?.engine.devices(ownUserId) ?? []]);
      return devices.map((device) => ({
        deviceId: device.device_id,
        displayName: device.display_name,
        isOwnDevice: device.device_id === deviceId,
        isVerified: trusted.find((known) => known.deviceId === device.device_id)?.isSignedByOwner ?? false,
        lastSeenMs: device.last_seen_ts,
        lastSeenIp: device.last_seen_ip,
      }));
    },
    async userTrust(userId) {
      const { engine, sender } = loadParts();
      await engine.trackUsers([userId]);
      await sender.flush();
      const identity = await engine.userIdentity(userId);
      if (identity === undefined) return 'unknown';
      if (identity.hasChanged) return 'identity-changed';
      return identity.isVerified ? 'verified' : 'unverified';
    },
    restoreBackup: (onProgress) => backup.restore(onProgress),
    exportKeys: (passphrase) => loadParts().engine.exportRoomKeys(passphrase),
    async importKeys(exported, passphrase) {
      const imported = await loadParts().engine.importRoomKeys(exported, passphrase);
      await lateKeys.retryAll();
      return imported;
    },
  };
}
