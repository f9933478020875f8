/** Whoever stands behind an access token. */
export type Requester = {
  userId: string;
  userNid: number;
  deviceId: string;
  isGuest: boolean;
  isAdmin: boolean;
  /** A suspended person may read, leave rooms and redact, and nothing else. */
  isSuspended?: boolean;
  /** Set when an application service acts, for itself or for one of its users. */
  appservice?: { id: string; rateLimited: boolean };
};
