import { deleteDB } from 'idb';

/** The databases that the crypto machine keeps under one name. */
const SUFFIXES = ['::matrix-sdk-crypto', '::matrix-sdk-crypto-meta'];

/**
 * Deletes a device's keys for good. Resolves when they are gone, or when something still holds them open
 * (in one thread with the machine, until its garbage is collected): then they go as soon as that ends.
 */
export async function deleteCryptoStore(name: string): Promise<void> {
  await Promise.all(SUFFIXES.map((suffix) => deleteOrLeave(name + suffix)));
}

function deleteOrLeave(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    deleteDB(name, { blocked: () => resolve() }).then(resolve, reject);
  });
}
