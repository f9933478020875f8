/** Placeholder of the port to the OlmMachine; its calls are internal to the core. */
export type CryptoEngine = { close(): Promise<void> };
