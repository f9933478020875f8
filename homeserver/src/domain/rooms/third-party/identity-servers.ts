import type { JsonObject } from 'federation-spec/events/event.ts';

/** An e-mail address or phone number, and an identity server that may know whose it is. */
export type ThirdPartyAddress = { idServer: string; idAccessToken: string | undefined; medium: string; address: string };

/** What an identity server gives back for an invite that it keeps until somebody proves to own the address. */
export type StoredInvite = { token: string; displayName: string; publicKeys: { public_key: string; key_validity_url?: string }[] };

/**
 * What inviting by address needs of identity servers. Each throws M_UNKNOWN (502) when the server does not answer as it should.
 * https://spec.matrix.org/latest/identity-service-api/
 */
export type IdentityServers = {
  /** The user id that is bound to the address, if any. */
  lookup: (address: ThirdPartyAddress) => Promise<string | undefined>;
  /** Has the invite kept, and its addressee told. `about` is what the mail to them may say. */
  storeInvite: (address: ThirdPartyAddress, about: JsonObject) => Promise<StoredInvite>;
  /** Whether a key by which an identity server signs is still good, asked at the URL that came with it. */
  isKeyValid: (validityUrl: string, publicKey: string) => Promise<boolean>;
};
