/** Who makes a request: an account, by the device its access token belongs to. */
export type Requester = {
  userId: string;
  /** The number the user is stored under. */
  userNid: number;
  deviceId: string;
  isGuest: boolean;
  isAdmin: boolean;
  /** A suspended person may read, leave rooms and redact; see `FORBIDDEN_WHILE_SUSPENDED`. */
  isSuspended?: boolean;
  /** Set when an application service acts, for itself or for one of its users. */
  appservice?: { id: string; rateLimited: boolean };
};

/** What a caller shows to prove who it is. */
export type Credentials = {
  accessToken: string;
  ip: string;
  userAgent: string;
  /** `user_id` and `device_id` of the query: an application service acting for one of its users. */
  assertedUserId: string | undefined;
  assertedDeviceId: string | undefined;
  /** Whether a locked account may do this too. */
  mayBeLocked?: boolean;
};

/** Finds who an access token belongs to. Throws `unknownToken`, `userLocked` and the like. */
export type Authenticate = (credentials: Credentials) => Requester | Promise<Requester>;

/** A request of another server, as it was signed. */
export type SignedRequest = {
  method: string;
  /** Path and query, as they came over the wire. */
  uri: string;
  /** Every `Authorization` header of the request. */
  authorization: readonly string[];
  /** The body's bytes; `undefined` when the request has none. */
  bytes: Uint8Array | undefined;
  /** Whose address the request came from. */
  network: string;
  /** What the server calls itself; empty when it does not say. */
  userAgent: string;
};

/**
 * Checks the X-Matrix signature of a request. Gives the name of the server that made it, and the body: numbers in it stay as they were
 * written, because hashes and signatures cover them, and text that cannot be stored is left for whoever checks the event it stands in, since
 * one bad event must not refuse the others. Throws `unauthorized` and the like.
 */
export type VerifyOrigin = (request: SignedRequest) => Promise<{ origin: string; body: unknown }>;
