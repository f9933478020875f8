import type { ClientStore } from './client-store.ts';

/** A store that can be exchanged: parts hold on to the slot while the real store is opened. */
export type StoreSlot = ClientStore & { use(store: ClientStore): void };

export function createStoreSlot(initial: ClientStore): StoreSlot {
  let current = initial;
  return {
    use(store) {
      current = store;
    },
    load: () => current.load(),
    write: (update) => current.write(update),
    putOutgoing: (item) => current.putOutgoing(item),
    deleteOutgoing: (txnId) => current.deleteOutgoing(txnId),
    getValue: (key) => current.getValue(key),
    putValue: (key, value) => current.putValue(key, value),
    close: () => current.close(),
    destroy: () => current.destroy(),
  };
}
