import { runCryptoWorker } from './matrix/crypto/crypto-worker.ts';

/** End-to-end encryption runs here, off the thread that draws. */
runCryptoWorker(self);
