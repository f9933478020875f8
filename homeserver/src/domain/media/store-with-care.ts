import type { Logger } from '../../platform/logger.ts';
import { badGateway, MatrixError } from '../../platform/matrix-error.ts';
import type { ObjectStore } from '../../storage/object-store/object-store.ts';
import { BrokenUpload } from './receive-bytes.ts';

/** The store, whose own troubles are logged and told as M_UNKNOWN with 502: an upload is then not acknowledged, and may be tried again. */
export function storeWithCare(store: ObjectStore, logger: Logger): ObjectStore {
  async function careful<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof MatrixError || error instanceof BrokenUpload) throw error;
      logger.error({ err: error }, 'the store of files failed');
      throw badGateway('The store of files does not answer; try again later.');
    }
  }
  const { link } = store;
  return {
    put: (key, stream) => careful(store.put(key, stream)),
    open: (key, range) => careful(store.open(key, range)),
    delete: (key) => careful(store.delete(key)),
    ...(link === undefined ? {} : { link: (key, headers) => careful(link(key, headers)) }),
  };
}
