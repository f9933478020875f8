/** With whom this server federates: the setting BLINKCHAT_FEDERATION. */
export type PeerPolicy = (serverName: string) => boolean;

/** `on` is everyone but ourselves, `off` nobody, anything else the list of those allowed. */
export function createPeerPolicy(setting: readonly string[], ownName: string): PeerPolicy {
  if (setting.length === 1 && setting[0] === 'off') return () => false;
  if (setting.length === 1 && setting[0] === 'on') return (serverName) => serverName !== ownName;
  const allowed = new Set(setting);
  return (serverName) => serverName !== ownName && allowed.has(serverName);
}
