import type { Appservice } from './appservice.ts';

/** Makes an account without asking for proof. */
export type MakeAccount = (userId: string) => Promise<unknown>;

/**
 * Makes the accounts that services act as when they name no user.
 *
 * @throws when the account is a person's: the service would speak for somebody else
 */
export async function ensureSenders(
  appservices: readonly Appservice[],
  findAccount: (userId: string) => Promise<{ passwordHash: string | null } | undefined>,
  makeAccount: MakeAccount,
): Promise<void> {
  for (const { id, senderId } of appservices) {
    const account = await findAccount(senderId);
    if (account === undefined) await makeAccount(senderId);
    else if (account.passwordHash !== null)
      throw new Error(`The application service ${id} cannot be ${senderId}: a person has that account. Choose another sender_localpart.`);
  }
}
