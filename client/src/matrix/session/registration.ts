import type { Session } from './session.ts';

/**
 * What registering still needs, in the order the homeserver wants it:
 * - `email`: an address to send a code to (`sendEmailCode`);
 * - `email-code`: the six digits (`submitEmailCode`); `byLink` when this server mails a link instead: call `continueAfterLink` once it was opened;
 * - `registration-token`: a token of the server's admin (`submitToken`);
 * - `terms`: to agree to (`acceptTerms`);
 * - `unsupported`: a stage that we cannot do (open `fallbackUrl`);
 * - `done`: the session is there.
 */
export type RegistrationStep =
  | { step: 'email' }
  | { step: 'email-code'; address: string; byLink: boolean }
  | { step: 'registration-token' }
  | { step: 'terms'; policies: readonly { name: string; url: string }[] }
  | { step: 'unsupported'; stage: string; fallbackUrl: string }
  | { step: 'done'; session: Session };

/** A registration under way. Each call resolves to the next step, or throws a `RequestError` with what was wrong (wrong code, name taken …). */
export type Registration = {
  step(): RegistrationStep;
  sendEmailCode(address: string): Promise<RegistrationStep>;
  /** Sends the code again, to the same address. */
  resendEmailCode(): Promise<RegistrationStep>;
  submitEmailCode(code: string): Promise<RegistrationStep>;
  continueAfterLink(): Promise<RegistrationStep>;
  submitToken(token: string): Promise<RegistrationStep>;
  acceptTerms(): Promise<RegistrationStep>;
};
