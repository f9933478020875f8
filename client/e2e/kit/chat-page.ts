import type { Locator, Page } from 'playwright-core';

/** How long anything may take that crosses both homeservers on a busy machine. */
const PATIENCE_MS = 45_000;

export type Picture = { name: string; mimeType: string; buffer: Buffer };

/** What a person does in the web client, in the words of a scene. */
export type ChatPage = {
  readonly page: Page;
  /** Fills the sign-up form, types the code from the mail, and saves the recovery key; resolves to the key, in front of the chats. */
  signUp(person: { username: string; password: string; email: string; readCode: () => Promise<string> }): Promise<string>;
  /** Makes an encrypted room and opens it. */
  createEncryptedRoom(name: string): Promise<void>;
  inviteToRoom(userId: string): Promise<void>;
  acceptInvite(roomName: string): Promise<void>;
  openRoom(name: string): Promise<void>;
  say(text: string): Promise<void>;
  /** Sends a picture the way a person does: picks the file, keeps the smaller quality. */
  sendPicture(picture: Picture): Promise<void>;
  /** The message with exactly this text, once it is on screen. */
  message(text: string): Promise<Locator>;
  /** A picture of somebody else, once it is drawn. */
  picture(): Promise<Locator>;
  /** Waits until the ticks of the own message say how far it got. */
  waitForDelivery(message: Locator, delivery: 'sent' | 'delivered' | 'read'): Promise<void>;
};

export function chatPage(page: Page): ChatPage {
  page.setDefaultTimeout(PATIENCE_MS);
  const at = (testid: string): Locator => page.getByTestId(testid);

  async function signUp(person: { username: string; password: string; email: string; readCode: () => Promise<string> }): Promise<string> {
    await at('to-sign-up').click();
    const form = at('sign-up');
    await form.waitFor();
    await form.getByTestId('homeserver-found').waitFor();
    await at('username').fill(person.username);
    await at('password').fill(person.password);
    await at('email').fill(person.email);
    await at('submit').click();
    await at('code').waitFor();
    await at('code').fill(await person.readCode());
    await at('setup-start').click();
    const recoveryKey = (await at('recovery-key').textContent()) ?? '';
    await at('confirm-key').check();
    await at('setup-done').click();
    await at('home').waitFor();
    return recoveryKey;
  }

  async function createEncryptedRoom(name: string): Promise<void> {
    await at('new-chat').click();
    await at('menu-new-room').click();
    await at('room-name').fill(name);
    await at('create-room-submit').click();
    await at('encrypted').waitFor();
  }

  async function inviteToRoom(userId: string): Promise<void> {
    await at('show-members').click();
    await at('members-invite').click();
    await at('invite-user').fill(userId);
    await at('invite-submit').click();
    await at('invite').waitFor({ state: 'hidden' });
    await at('close-panel').click();
  }

  async function openRoom(name: string): Promise<void> {
    await at('room-item').filter({ hasText: name }).first().click();
    await at('room').waitFor();
  }

  async function acceptInvite(roomName: string): Promise<void> {
    await openRoom(roomName);
    await at('invite-accept').click();
    await at('composer-input').waitFor();
  }

  async function say(text: string): Promise<void> {
    await at('composer-input').fill(text);
    await at('composer-input').press('Enter');
  }

  async function sendPicture(picture: Picture): Promise<void> {
    await at('file-input').setInputFiles(picture);
    await at('attach-size').waitFor();
    await at('attach-send').click();
  }

  async function message(text: string): Promise<Locator> {
    const found = at('message').filter({ has: page.getByText(text, { exact: true }) });
    await found.waitFor();
    return found;
  }

  async function picture(): Promise<Locator> {
    const drawn = at('message-image').locator('img').last();
    await drawn.waitFor();
    return drawn;
  }

  async function waitForDelivery(own: Locator, delivery: 'sent' | 'delivered' | 'read'): Promise<void> {
    await own.locator(`[data-testid="ticks"][data-delivery="${delivery}"]`).waitFor();
  }

  return { page, signUp, createEncryptedRoom, inviteToRoom, acceptInvite, openRoom, say, sendPicture, message, picture, waitForDelivery };
}
