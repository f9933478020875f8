export type BotOptions = {
  /** Base URL of the homeserver's client API. */
  homeserverUrl: string;
  /** Localpart or full user id. */
  user: string;
  /** One of the two; with a password the bot logs in again by itself when its session ends. */
  password?: string | undefined;
  accessToken?: string | undefined;
  /** Makes the account when there is none yet, by the homeserver's registration secret. */
  registrationSecret?: string | undefined;
  /** A folder of its own: identity, keys, what it knows of its rooms. */
  dataDir: string;
  /** Shown in the account's list of devices. */
  deviceName?: string;
  /** Whose invites are accepted: user ids, server names, or `*`; its own homeserver's people when left out. */
  allow?: readonly string[];
  log?: BotLog;
  fetch?: typeof globalThis.fetch;
};

export type BotLog = {
  info(message: string): void;
  warn(message: string, error?: unknown): void;
};
