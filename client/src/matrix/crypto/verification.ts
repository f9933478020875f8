import type { Signal } from '../observable/signal.ts';

/**
 * The steps of a verification by emoji, as the dialog shows them:
 * `requested` (we asked, or were asked: `accept` or `cancel`) → `waiting` (the other side's turn) → `comparing` (seven emoji: `confirm` or `mismatch`)
 * → `confirming` (the other side has yet to confirm) → `done`; or `cancelled` at any time, with a reason.
 */
export type VerificationState =
  | { step: 'requested'; byUs: boolean }
  | { step: 'waiting' }
  | { step: 'comparing'; emoji: readonly SasEmoji[]; decimals: readonly [number, number, number] }
  | { step: 'confirming' }
  | { step: 'done' }
  | { step: 'cancelled'; byUs: boolean; code: string; reason: string };

/** `index` (0 to 63) names the emoji in every language; `description` is its English name. */
export type SasEmoji = { index: number; symbol: string; description: string };

/** One verification of a device or a user. https://spec.matrix.org/latest/client-server-api/#short-authentication-string-sas-verification */
export type Verification = {
  readonly flowId: string;
  /** Whom we verify: ourselves (another device of ours) or somebody else. */
  readonly otherUserId: string;
  readonly otherDeviceId: string | undefined;
  readonly isSelf: boolean;
  state: Signal<VerificationState>;
  /** Agrees to a request from the other side, and starts comparing emoji. */
  accept(): Promise<void>;
  /** The emoji are the same. */
  confirm(): Promise<void>;
  /** The emoji differ: cancels, and says why. */
  mismatch(): Promise<void>;
  cancel(): Promise<void>;
};
