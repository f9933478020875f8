import { invalidParam } from '../../platform/matrix-error.ts';

const MAX_ADDRESS_CHARACTERS = 254;
const ADDRESS = /^[^\s@<>(),;:\\"[\]\u0000-\u001f\u007f]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*$/;

/**
 * An e-mail address in the one form in which it is stored and compared.
 *
 * @throws M_INVALID_PARAM
 */
export function canonicalEmailAddress(given: string): string {
  const address = given.trim().toLowerCase();
  if (address.length > MAX_ADDRESS_CHARACTERS || !ADDRESS.test(address)) {
    throw invalidParam('This is not an e-mail address');
  }
  return address;
}
