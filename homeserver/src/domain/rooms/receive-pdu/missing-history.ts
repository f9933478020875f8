/** What an event builds upon is not here, and no server that could be asked gives it. */
export class MissingHistory extends Error {
  override readonly name = 'MissingHistory';
}
