import { createHmac } from 'node:crypto';
import { buildUri } from 'federation-spec/api/build-uri.ts';
import { showEmailConfirmation } from 'federation-spec/api/client/email-validation.ts';
import type { Clock } from '../../platform/clock.ts';
import { limitExceeded, matrixError, threepidAuthFailed } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import { findAccountByNid } from '../../storage/accounts.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import {
  countMail,
  countTry,
  deleteEmailValidation,
  deleteExpiredEmailValidations,
  deleteOldMailCounts,
  type EmailPurpose,
  type EmailValidationRow,
  findEmailValidation,
  findEmailValidationOf,
  insertEmailValidation,
  markEmailValidated,
  renewEmailValidation,
  spendEmailValidation,
} from '../../storage/email-validations.ts';
import { findThreepidOwner } from '../../storage/threepids.ts';
import { alreadyRegisteredMail, codeMail } from './account-mails.ts';
import { canonicalEmailAddress } from './email-addresses.ts';
import { hashToken, isSameDigest } from './hash-token.ts';
import type { MailQueue } from './mail-queue.ts';

export type EmailTokenRequest = {
  purpose: EmailPurpose;
  email: string;
  clientSecret: string;
  sendAttempt: number;
  nextLink?: string | undefined;
  /** Whether the request came from this machine: then a server without SMTP shows the code on its terminal. */
  isLoopback: boolean;
};

/** Proves that somebody reads an e-mail address, by a one-time code of six digits or the link in the same mail. */
export type EmailValidations = {
  /** Mails a code. The answer is the same whether or not the address has an account. */
  request(request: EmailTokenRequest): Promise<{ sid: string }>;
  /** @throws M_TOKEN_INCORRECT, M_SESSION_EXPIRED */
  submitCode(proof: { sid: string; clientSecret: string; code: string }): Promise<void>;
  /** Follows the link of a mail. Returns where the browser may go next; undefined when the link is void. */
  submitLink(proof: { sid: string; linkToken: string }): Promise<{ nextLink: string | undefined } | undefined>;
  /**
   * Takes a proof for one use, named by `spentOn`; the same use may take it again.
   *
   * @throws M_THREEPID_AUTH_FAILED when the address is not proven, or the proof was used
   */
  take(sql: Sql, proof: { sid: string; clientSecret: string; purpose: EmailPurpose; spentOn: string }): Promise<ProvenAddress>;
  /** What a proof taken before has proven. */
  find(sql: Sql, sid: string): Promise<ProvenAddress | undefined>;
};

export type ProvenAddress = { sid: string; address: string; validatedAt: number };

export const CODE_LIFETIME_MS = 600_000;
const CODE_DIGITS = 6;
const MAX_TRIES = 5;
const LINK_BITS = 256;
const SID_BITS = 128;
/** How long a proof may be used after it was given. */
const PROOF_LIFETIME_MS = 3_600_000;
const MAX_MAILS_PER_ADDRESS = 6;
const MAIL_WINDOW_MS = 3_600_000;
const MAX_LINK_CHARACTERS = 1024;

type Deps = {
  pool: Pool;
  mailQueue: MailQueue;
  clock: Clock;
  random: Random;
  /** The key of the HMACs over stored codes: a code has too few digits for a plain hash. */
  pepper: Uint8Array;
  serverName: string;
  publicUrl: string;
  /** Shows a code to whoever sits before the terminal; absent when mail is really sent. */
  showCode: ((line: string) => void) | undefined;
  rateLimits: boolean;
};

export function createEmailValidations(deps: Deps): EmailValidations {
  const { pool, mailQueue, clock, random, pepper, serverName, publicUrl, showCode, rateLimits } = deps;
  const codeHmac = (sid: string, code: string) => createHmac('sha256', pepper).update(`email-code\n${sid}\n${code}`).digest();

  async function request(given: EmailTokenRequest): Promise<{ sid: string }> {
    const { purpose, clientSecret, sendAttempt } = given;
    const address = canonicalEmailAddress(given.email);
    const clientSecretHash = hashToken(clientSecret);
    const now = clock.now();
    await deleteExpiredEmailValidations(pool, now);
    await deleteOldMailCounts(pool, now - MAIL_WINDOW_MS);

    const begun = await findEmailValidationOf(pool, purpose, address, clientSecretHash);
    if (begun !== undefined && (begun.validatedAt !== null || sendAttempt <= begun.sendAttempt)) return { sid: begun.sid };
    if (rateLimits && !(await countMail(pool, address, now - MAIL_WINDOW_MS, MAX_MAILS_PER_ADDRESS, now))) {
      throw limitExceeded(MAIL_WINDOW_MS / MAX_MAILS_PER_ADDRESS);
    }

    const sid = begun?.sid ?? random.text(SID_BITS);
    const code = random.digits(CODE_DIGITS);
    const linkToken = random.text(LINK_BITS);
    const secrets = { codeHmac: codeHmac(sid, code), linkHash: hashToken(linkToken), sendAttempt, expiresAt: now + CODE_LIFETIME_MS };
    if (begun === undefined) {
      const nextLink = ownLink(given.nextLink, publicUrl);
      await insertEmailValidation(pool, { sid, purpose, address, clientSecretHash, nextLink, createdAt: now, ...secrets });
    } else {
      await renewEmailValidation(pool, sid, secrets);
    }
    await mail({ sid, purpose, address, code, linkToken, isLoopback: given.isLoopback });
    return { sid };
  }

  type Draft = { sid: string; purpose: EmailPurpose; address: string; code: string; linkToken: string; isLoopback: boolean };

  /** Who may have the code gets it; an address that is taken is told so by mail, and one that is unknown gets nothing. */
  async function mail({ sid, purpose, address, code, linkToken, isLoopback }: Draft): Promise<void> {
    const ownerNid = await findThreepidOwner(pool, 'email', address);
    const owner = ownerNid === undefined ? undefined : await findAccountByNid(pool, ownerNid);
    if (purpose === 'reset-password' && owner === undefined) return;
    if (purpose !== 'reset-password' && owner !== undefined) {
      mailQueue.enqueue(alreadyRegisteredMail({ to: address, userId: owner.userId, serverName }));
      return;
    }
    const link = publicUrl + buildUri(showEmailConfirmation.path, {}, { sid, token: linkToken });
    mailQueue.enqueue(codeMail({ to: address, purpose, code, link, serverName, lifetimeMinutes: CODE_LIFETIME_MS / 60_000 }));
    if (isLoopback) showCode?.(`The code for ${address} is ${code}`);
  }

  async function submitCode({ sid, clientSecret, code }: { sid: string; clientSecret: string; code: string }): Promise<void> {
    const validation = await findEmailValidation(pool, sid);
    if (validation === undefined || !isSameDigest(validation.clientSecretHash, hashToken(clientSecret))) throw expired();
    if (isValid(validation)) return;
    if (validation.expiresAt <= clock.now()) throw expired();
    if (!(await countTry(pool, sid, MAX_TRIES))) throw expired('There were too many tries. Ask for a new code.');
    if (!isSameDigest(validation.codeHmac, codeHmac(sid, code.trim()))) {
      throw matrixError(400, 'M_TOKEN_INCORRECT', 'The code is not right. Look at the newest mail.');
    }
    await markEmailValidated(pool, sid, clock.now(), clock.now() + PROOF_LIFETIME_MS);
  }

  async function submitLink({ sid, linkToken }: { sid: string; linkToken: string }) {
    const validation = await findEmailValidation(pool, sid);
    if (validation === undefined || validation.expiresAt <= clock.now()) return undefined;
    if (!isSameDigest(validation.linkHash, hashToken(linkToken))) return undefined;
    await markEmailValidated(pool, sid, clock.now(), clock.now() + PROOF_LIFETIME_MS);
    return { nextLink: validation.nextLink ?? undefined };
  }

  const isValid = ({ validatedAt, expiresAt }: EmailValidationRow) => validatedAt !== null && expiresAt > clock.now();

  return {
    request,
    submitCode,
    submitLink,
    async take(sql, { sid, clientSecret, purpose, spentOn }) {
      const validation = await findEmailValidation(sql, sid);
      const isTheirs = validation !== undefined && isSameDigest(validation.clientSecretHash, hashToken(clientSecret));
      if (!isTheirs || validation.purpose !== purpose || validation.validatedAt === null || !isValid(validation)) {
        throw threepidAuthFailed('The e-mail address has not been confirmed yet');
      }
      if (!(await spendEmailValidation(sql, sid, spentOn))) throw threepidAuthFailed('This confirmation has been used already');
      return { sid, address: validation.address, validatedAt: validation.validatedAt };
    },
    async find(sql, sid) {
      const validation = await findEmailValidation(sql, sid);
      if (validation === undefined || validation.validatedAt === null || !isValid(validation)) return undefined;
      return { sid, address: validation.address, validatedAt: validation.validatedAt };
    },
  };
}

/** Forgets a proof once what it was for is done. */
export async function finishEmailValidation(sql: Sql, sid: string): Promise<void> {
  await deleteEmailValidation(sql, sid);
}

function expired(message = 'This code has expired. Ask for a new one.') {
  return matrixError(400, 'M_SESSION_EXPIRED', message);
}

/** A link to ourselves; others are dropped, or our mails would send people anywhere. */
function ownLink(link: string | undefined, publicUrl: string): string | undefined {
  if (link === undefined || link.length > MAX_LINK_CHARACTERS || !URL.canParse(link)) return undefined;
  return new URL(link).origin === new URL(publicUrl).origin ? link : undefined;
}
