/** A host that outbound requests may not reach, because of what its name resolves to. */
export class BlockedAddress extends Error {
  override readonly name = 'BlockedAddress';

  constructor(host: string) {
    super(`${host} is not a public address; BLINKCHAT_OUTBOUND_ALLOW can allow it`);
  }
}
