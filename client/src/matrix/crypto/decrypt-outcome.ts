import {
  type DecryptedRoomEvent,
  DecryptionErrorCode,
  MegolmDecryptionError,
  ShieldColor,
  ShieldStateCode,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { objectIn, stringIn } from '../json.ts';
import type { EventTrust, TrustReason, UndecryptableReason } from '../timeline/timeline-item.ts';
import type { DecryptOutcome } from './crypto-engine.ts';
import { parseObject } from './outgoing-request.ts';

const TRUST_REASONS: { readonly [Code in ShieldStateCode]: TrustReason } = {
  [ShieldStateCode.AuthenticityNotGuaranteed]: 'authenticity-not-guaranteed',
  [ShieldStateCode.UnknownDevice]: 'unknown-device',
  [ShieldStateCode.UnsignedDevice]: 'unverified-device',
  [ShieldStateCode.UnverifiedIdentity]: 'unverified-identity',
  [ShieldStateCode.VerificationViolation]: 'verification-violation',
  [ShieldStateCode.MismatchedSender]: 'sender-mismatch',
};

const REASONS: { readonly [Code in DecryptionErrorCode]: UndecryptableReason } = {
  [DecryptionErrorCode.MissingRoomKey]: 'missing-key',
  [DecryptionErrorCode.UnknownMessageIndex]: 'missing-key',
  [DecryptionErrorCode.MismatchedIdentityKeys]: 'untrusted-sender',
  [DecryptionErrorCode.UnknownSenderDevice]: 'untrusted-sender',
  [DecryptionErrorCode.UnsignedSenderDevice]: 'untrusted-sender',
  [DecryptionErrorCode.SenderIdentityVerificationViolation]: 'untrusted-sender',
  [DecryptionErrorCode.UnableToDecrypt]: 'other',
  [DecryptionErrorCode.MismatchedSender]: 'untrusted-sender',
};

/** What a decrypted event says, and how far it is to be trusted. */
export function toDecryptOutcome(decrypted: DecryptedRoomEvent): DecryptOutcome {
  const clear = parseObject(decrypted.event);
  const type = stringIn(clear, 'type');
  if (type === undefined) return { ok: false, reason: 'other' };
  return { ok: true, type, content: objectIn(clear, 'content') ?? {}, trust: trustOf(decrypted) };
}

/** Why an event could not be decrypted; one sent before this device was made is told apart, since waiting will not help. */
export function toDecryptFailure(error: unknown, event: { sentAtMs: number; deviceCreatedAtMs: number }): DecryptOutcome {
  if (!(error instanceof MegolmDecryptionError)) return { ok: false, reason: 'other' };
  if (error.withheldCode !== undefined) return { ok: false, reason: 'withheld' };
  const reason = REASONS[error.code];
  return { ok: false, reason: reason === 'missing-key' && event.sentAtMs < event.deviceCreatedAtMs ? 'historical' : reason };
}

function trustOf(decrypted: DecryptedRoomEvent): EventTrust {
  const { color, code } = decrypted.shieldState(false);
  if (color === ShieldColor.None || code === undefined) return { shield: 'none' };
  return { shield: color === ShieldColor.Red ? 'red' : 'grey', reason: TRUST_REASONS[code] };
}
