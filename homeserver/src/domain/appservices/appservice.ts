/** An application service as its registration describes it. https://spec.matrix.org/latest/application-service-api/#registration */
export type Appservice = {
  id: string;
  /** Where it listens, without a trailing slash; undefined for one that is sent nothing. */
  url: string | undefined;
  /** By which it proves itself to us. */
  asToken: string;
  /** By which we prove ourselves to it. */
  hsToken: string;
  /** The user it acts as when it names none. */
  senderId: string;
  namespaces: { users: readonly Namespace[]; aliases: readonly Namespace[]; rooms: readonly Namespace[] };
  /** False: its calls are never rate-limited. */
  rateLimited: boolean;
  protocols: readonly string[];
  /** It wants typing, receipts and presence. */
  receivesEphemeral: boolean;
  /** It wants messages to the devices of its users, and what their encryption needs to know. */
  receivesEncryption: boolean;
  /** It keeps one-time keys of its users itself: https://github.com/matrix-org/matrix-spec-proposals/pull/3983 */
  answersKeyClaims: boolean;
  /** It keeps device keys of its users itself: https://github.com/matrix-org/matrix-spec-proposals/pull/3984 */
  answersKeyQueries: boolean;
};

export type Namespace = {
  isExclusive: boolean;
  /** Whether an identifier begins with what the namespace's regular expression describes. Takes time linear in its length. */
  matches: (id: string) => boolean;
};

/** Whether a user is one of the service's: its own sender among them. */
export function ownsUser({ senderId, namespaces }: Pick<Appservice, 'senderId' | 'namespaces'>, userId: string): boolean {
  return userId === senderId || isWithin(namespaces.users, userId);
}

/** Whether a user is the service's alone. */
export function isUserReservedFor({ senderId, namespaces }: Pick<Appservice, 'senderId' | 'namespaces'>, userId: string): boolean {
  return userId === senderId || isReserved(namespaces.users, userId);
}

export function isReserved(namespaces: readonly Namespace[], id: string): boolean {
  return namespaces.some(({ isExclusive, matches }) => isExclusive && matches(id));
}

export function isWithin(namespaces: readonly Namespace[], id: string): boolean {
  return namespaces.some((namespace) => namespace.matches(id));
}
