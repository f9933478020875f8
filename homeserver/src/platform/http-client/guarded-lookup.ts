import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { AddressGuard } from './address-guard.ts';
import { BlockedAddress } from './blocked-address.ts';

/**
 * A name look-up for sockets that gives out only addresses that pass the guard. The socket connects to what it is given here, so a name
 * that resolves differently the next time gains nothing. One bad address among good ones spoils the name.
 */
export function createGuardedLookup(isAllowed: AddressGuard): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { family: options.family ?? 0, hints: options.hints ?? 0, all: true }, (error, addresses: LookupAddress[]) => {
      const [first] = addresses ?? [];
      if (error !== null) return callback(error, [], 0);
      if (first === undefined || addresses.some(({ address }) => !isAllowed(address))) return callback(new BlockedAddress(hostname), [], 0);
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
