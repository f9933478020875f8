import { createBot } from 'bridge-bot/sdk/create-bot.ts';

/**
 * A bot that says again what it is told, in encrypted rooms too. Invite it to a room and write `!echo hello`.
 *
 *     BOT_PASSWORD=… node bridge-bot/examples/echo.ts http://localhost:8008 echo
 */
const [homeserverUrl = 'http://localhost:8008', user = 'echo'] = process.argv.slice(2);

const bot = createBot({ homeserverUrl, user, password: process.env['BOT_PASSWORD'], dataDir: `./data-${user}` });

bot.command('!echo', async (message) => void (await message.reply(message.rest)), { about: 'says it again' });

bot.use(async (message, next) => {
  console.log(`${message.sender}: ${message.text}`);
  await next();
});

await bot.start();
console.log(`${bot.userId} listens`);
process.once('SIGINT', () => void bot.stop());
