import type { Signal } from '../observable/signal.ts';
import type { Authenticate } from '../session/interactive-auth.ts';
import type { Verification } from './verification.ts';

/**
 * Where the user stands with end-to-end encryption:
 * - `unavailable`: no crypto was handed in;
 * - `loading`: asking the server;
 * - `needs-setup`: the account has no cross-signing identity yet: call `setUp`;
 * - `needs-verification`: the account has one, this device is not signed by it: verify from another device, or `recover` with the recovery key;
 * - `ready`: this device is verified. `backup` tells whether room keys are saved on the server; `recovery` whether a recovery key exists.
 */
export type EncryptionState =
  | { state: 'unavailable' }
  | { state: 'loading' }
  | { state: 'needs-setup' }
  | { state: 'needs-verification'; hasRecovery: boolean; otherDevices: number }
  | { state: 'ready'; backup: BackupState; recovery: 'none' | 'set-up' };

export type BackupState =
  | { state: 'none' }
  | { state: 'enabled'; version: string; backedUpKeys: number; totalKeys: number }
  /** The server has a backup that this device cannot write to: it lacks the key. */
  | { state: 'locked'; version: string };

export type DeviceInfo = {
  deviceId: string;
  displayName: string | undefined;
  isOwnDevice: boolean;
  isVerified: boolean;
  lastSeenMs: number | undefined;
  lastSeenIp: string | undefined;
};

/** How sure we are of another user. */
export type UserTrust = 'unknown' | 'unverified' | 'verified' | 'identity-changed';

/** End-to-end encryption of this device and this account. */
export type Encryption = {
  state: Signal<EncryptionState>;
  /** The verification under way, if any: show its dialog while it is there. Also set when somebody else asks for one. */
  verification: Signal<Verification | undefined>;
  /**
   * Makes cross-signing, secret storage with a recovery key, and the key backup, in one go.
   * The recovery key is returned once: show it, let the user save it. Servers may ask to authenticate (`authenticate`), ours not on the first time.
   */
  setUp(options: { authenticate: Authenticate }): Promise<{ recoveryKey: string }>;
  /** Unlocks secret storage with the recovery key (or its passphrase): verifies this device, opens the backup and restores its keys. Throws `RecoveryError` when the key is wrong. */
  recover(recoveryKey: string): Promise<void>;
  /** Makes a new recovery key for an account that can still do so (this device holds the secrets). */
  resetRecovery(options: { authenticate: Authenticate }): Promise<{ recoveryKey: string }>;
  /** Throws everything away and starts afresh: when all devices and the recovery key are lost. */
  resetIdentity(options: { authenticate: Authenticate }): Promise<{ recoveryKey: string }>;
  /** Asks our other devices to verify this one. */
  verifyOwnDevice(deviceId?: string): Promise<Verification>;
  /** Asks another user to verify, in the direct chat given. */
  verifyUser(userId: string): Promise<Verification>;
  listDevices(): Promise<readonly DeviceInfo[]>;
  userTrust(userId: string): Promise<UserTrust>;
  /** Restores everything the backup holds; tells the progress. */
  restoreBackup(onProgress?: (done: number, total: number) => void): Promise<number>;
  exportKeys(passphrase: string): Promise<string>;
  importKeys(exported: string, passphrase: string): Promise<number>;
};

/** A recovery key that does not fit, or cannot be read. */
export class RecoveryError extends Error {
  override readonly name = 'RecoveryError';
}
