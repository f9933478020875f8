import type { Locator, Page } from 'playwright-core';

/** How long anything may take that crosses both homeservers on a busy machine. */
const PATIENCE_MS = 45_000;

export type Picture = { name: string; mimeType: string; buffer: Buffer };

export type NewPerson = {
  username: string;
  password: string;
  /** The address, and how its owner reads the code sent there; none where the server wants none. */
  mail?: { address: string; readCode: () => Promise<string> };
};

/** What a person does in the web client, in the words of a scene. */
export type ChatPage = {
  readonly page: Page;
  /** What stands under a name of its own on the page. */
  at(testid: string): Locator;
  /** Fills the sign-up form, types the code from the mail, and saves the recovery key; resolves to the key, in front of the chats. */
  signUp(person: NewPerson): Promise<string>;
  /** Signs in to an account that there is; a new device comes to the page that asks to unlock it. */
  signIn(person: { username: string; password: string }): Promise<void>;
  startDirectChat(userId: string): Promise<void>;
  /** Makes an encrypted room and opens it. */
  createEncryptedRoom(name: string): Promise<void>;
  inviteToRoom(userId: string): Promise<void>;
  acceptInvite(roomName: string): Promise<void>;
  openRoom(name: string): Promise<void>;
  say(text: string): Promise<void>;
  /** Sends a picture the way a person does: picks the file, keeps the smaller quality. */
  sendPicture(picture: Picture): Promise<void>;
  /** Points at a message and presses one of the buttons that appear beside it. */
  actOn(message: Locator, action: 'react' | 'reply' | 'message-menu'): Promise<void>;
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

  async function signUp(person: NewPerson): Promise<string> {
    await at('to-sign-up').click();
    const form = at('sign-up');
    await form.waitFor();
    await form.getByTestId('homeserver-found').waitFor();
    await at('username').fill(person.username);
    await at('password').fill(person.password);
    if (person.mail !== undefined) await at('email').fill(person.mail.address);
    await at('submit').click();
    if (person.mail !== undefined) {
      await at('code').waitFor();
      await at('code').fill(await person.mail.readCode());
    }
    await at('setup-start').click();
    const recoveryKey = (await at('recovery-key').textContent()) ?? '';
    await at('confirm-key').check();
    await at('setup-done').click();
    await at('home').waitFor();
    return recoveryKey;
  }

  async function signIn(person: { username: string; password: string }): Promise<void> {
    await at('homeserver-found').waitFor();
    await at('username').fill(person.username);
    await at('password').fill(person.password);
    await at('submit').click();
    await at('unlock').waitFor();
  }

  async function startDirectChat(userId: string): Promise<void> {
    await at('new-chat').click();
    await at('menu-new-direct').click();
    await at('direct-user').fill(userId);
    await at('direct-submit').click();
    await at('composer-input').waitFor();
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

  async function actOn(target: Locator, action: 'react' | 'reply' | 'message-menu'): Promise<void> {
    await target.hover();
    await target.getByTestId(action).click();
  }

  async function message(text: string): Promise<Locator> {
    // Its own words, not those it quotes.
    const found = at('message').filter({ has: at('message-text').and(page.getByText(text, { exact: true })) });
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

  return {
    page,
    at,
    signUp,
    signIn,
    startDirectChat,
    createEncryptedRoom,
    inviteToRoom,
    acceptInvite,
    openRoom,
    say,
    sendPicture,
    actOn,
    message,
    picture,
    waitForDelivery,
  };
}
