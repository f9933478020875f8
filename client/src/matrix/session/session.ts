/** A logged-in device: what a client needs to speak for it. Plain JSON, to be kept by the host between starts. */
export type Session = {
  userId: string;
  deviceId: string;
  /** Base URL of the homeserver's client API, without a trailing slash. */
  homeserverUrl: string;
  tokens: SessionTokens;
  /** 32 bytes in base64 that this device's crypto store is encrypted with; made at log-in, never sent anywhere. */
  storeKey: string;
};

export type SessionTokens = {
  accessToken: string;
  refreshToken?: string;
  /** When the access token runs out, in milliseconds since 1970. */
  expiresAtMs?: number;
};
