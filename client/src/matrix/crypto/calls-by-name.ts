import type { CryptoCalls, CryptoEngine } from './crypto-engine.ts';

export type CallName = keyof CryptoCalls;

/** Does one call of an engine. What it is called with fits its name: only `callsThrough` makes such calls. */
export type CallByName = (name: CallName, args: unknown[]) => Promise<unknown>;

/** Every call once: an added one that is forgotten here does not compile. */
const CALLS: { readonly [Name in CallName]: true } = {
  identityKeys: true,
  receiveSync: true,
  outgoingRequests: true,
  markSent: true,
  trackUsers: true,
  queryKeys: true,
  markDeviceListsStale: true,
  claimMissingSessions: true,
  shareRoomKey: true,
  setRoomSettings: true,
  encrypt: true,
  decrypt: true,
  discardRoomKey: true,
  crossSigningStatus: true,
  bootstrapCrossSigning: true,
  exportCrossSigningSecrets: true,
  importCrossSigningSecrets: true,
  signOwnDevice: true,
  requestMissingSecrets: true,
  createBackupKey: true,
  backupPublicKey: true,
  isBackupTrusted: true,
  enableBackup: true,
  disableBackup: true,
  backupKeys: true,
  nextBackupBatch: true,
  roomKeyCounts: true,
  importBackup: true,
  receivedSecrets: true,
  forgetReceivedSecrets: true,
  exportRoomKeys: true,
  importRoomKeys: true,
  devices: true,
  userIdentity: true,
  receiveRoomVerificationEvent: true,
  requestSelfVerification: true,
  userVerificationContent: true,
  startUserVerification: true,
  acceptVerification: true,
  confirmVerification: true,
  cancelVerification: true,
  close: true,
};

export function isCallName(name: string): name is CallName {
  return Object.hasOwn(CALLS, name);
}

/** The calls of an engine, each of them done by its name: by another engine, or at the other end of a port. */
export function callsThrough(call: CallByName): CryptoCalls {
  const names = Object.keys(CALLS) as CallName[];
  return Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => call(name, args)])) as CryptoCalls;
}

/** Does an engine's calls by their names. */
export function callByName(engine: CryptoEngine): CallByName {
  const calls: { readonly [Name in CallName]: (...args: never[]) => Promise<unknown> } = engine;
  return async (name, args) => await calls[name](...(args as never[]));
}
