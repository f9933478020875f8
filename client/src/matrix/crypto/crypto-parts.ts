import type { CryptoEngine } from './crypto-engine.ts';
import type { OutgoingSender } from './outgoing-sender.ts';
import type { RoomEncryption } from './room-encryption.ts';

/** The crypto of a started client, where there is any. */
export type CryptoParts = { engine: CryptoEngine; sender: OutgoingSender; rooms: RoomEncryption };
