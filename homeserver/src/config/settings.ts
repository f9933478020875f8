import { LOG_LEVELS } from '../platform/logger.ts';
import {
  cidrs,
  commaList,
  contactUri,
  duration,
  filePath,
  httpUrl,
  httpUrls,
  mailAddress,
  oneOf,
  onOff,
  secret,
  serverName,
  text,
  wholeNumber,
} from './parse-setting.ts';
import { setting } from './setting.ts';

const MAX_PORT = 65_535;

/**
 * Every setting of the homeserver, in the order `--help` prints them. A new one is added here and nowhere else; its key is the name by
 * which the code reads it from `Config`.
 */
export const SETTINGS = {
  serverName: setting('BLINKCHAT_SERVER_NAME', serverName, 'localhost:8008', 'the name after the colon in user ids; never changes'),
  publicUrl: setting('BLINKCHAT_PUBLIC_URL', httpUrl, 'http://localhost:8008', 'the base URL clients reach us at', ({ port }) =>
    port === 8008 || !(port > 0 && port <= MAX_PORT) ? undefined : `http://localhost:${port}`,
  ),
  host: setting('BLINKCHAT_HOST', text, '127.0.0.1', 'the address to listen on'),
  port: setting('BLINKCHAT_PORT', wholeNumber(0, MAX_PORT), '8008', 'the plain-HTTP port, for clients, servers and the proxy'),
  tlsPort: setting('BLINKCHAT_TLS_PORT', wholeNumber(0, MAX_PORT), undefined, 'a TLS port that serves clients and servers alike'),
  tlsCert: setting('BLINKCHAT_TLS_CERT', filePath, undefined, 'the PEM certificate chain of the TLS port'),
  tlsKey: setting('BLINKCHAT_TLS_KEY', filePath, undefined, 'the PEM private key of the TLS port'),
  dataDir: setting('BLINKCHAT_DATA_DIR', filePath, './data', 'signing key, embedded database, media, outgoing mail'),
  databaseUrl: setting('DATABASE_URL', secret, undefined, 'an external PostgreSQL; an embedded one runs when unset'),

  s3Url: setting('BLINKCHAT_S3_URL', httpUrl, undefined, 'MinIO or any S3 for media; a folder when unset'),
  s3Bucket: setting('BLINKCHAT_S3_BUCKET', text, 'blinkchat', 'the bucket'),
  s3AccessKey: setting('BLINKCHAT_S3_ACCESS_KEY', secret, undefined, 'its access key'),
  s3SecretKey: setting('BLINKCHAT_S3_SECRET_KEY', secret, undefined, 'its secret key'),
  s3PublicUrl: setting('BLINKCHAT_S3_PUBLIC_URL', httpUrl, undefined, 'where clients reach it; media is streamed through us when unset'),
  maxUploadBytes: setting('BLINKCHAT_MAX_UPLOAD_BYTES', wholeNumber(1, 2 ** 40), '104857600', 'the largest upload'),
  mediaQuotaBytes: setting(
    'BLINKCHAT_MEDIA_QUOTA_BYTES',
    wholeNumber(1, 2 ** 50),
    undefined,
    'how much one person may keep here; no limit when unset',
  ),
  remoteMediaDays: setting('BLINKCHAT_REMOTE_MEDIA_DAYS', wholeNumber(1, 36_500), '90', "days other servers' files are kept unread"),
  remoteMediaBytes: setting(
    'BLINKCHAT_REMOTE_MEDIA_BYTES',
    wholeNumber(0, 2 ** 50),
    '21474836480',
    "how much of other servers' files is kept",
  ),
  legacyMedia: setting('BLINKCHAT_LEGACY_MEDIA', onOff, 'off', 'serve what comes now also by the old media paths that ask for no token'),

  registration: setting('BLINKCHAT_REGISTRATION', oneOf(['email', 'open', 'token', 'closed']), 'email', 'who may sign up, and how'),
  registrationSecret: setting('BLINKCHAT_REGISTRATION_SECRET', secret, undefined, 'enables /_synapse/admin/v1/register'),
  terms: setting(
    'BLINKCHAT_TERMS',
    filePath,
    undefined,
    'a JSON file with the documents that newcomers must accept, as m.login.terms has them',
  ),
  captchaSiteKey: setting('BLINKCHAT_CAPTCHA_SITE_KEY', text, undefined, "reCAPTCHA's site key; newcomers must solve one when set"),
  captchaSecret: setting('BLINKCHAT_CAPTCHA_SECRET', secret, undefined, 'its secret'),
  captchaVerifyUrl: setting(
    'BLINKCHAT_CAPTCHA_VERIFY_URL',
    httpUrl,
    'https://www.google.com/recaptcha/api/siteverify',
    'where a solution is checked',
  ),
  oidcIssuer: setting('BLINKCHAT_OIDC_ISSUER', httpUrl, undefined, 'an OpenID Connect provider that people may sign in with (m.login.sso)'),
  oidcClientId: setting('BLINKCHAT_OIDC_CLIENT_ID', text, undefined, 'what it calls us; our redirect URI is <public URL>/oauth2/callback'),
  oidcClientSecret: setting('BLINKCHAT_OIDC_CLIENT_SECRET', secret, undefined, 'the secret it gave us'),
  oidcName: setting('BLINKCHAT_OIDC_NAME', text, 'single sign-on', 'what people call it'),
  identityServers: setting(
    'BLINKCHAT_IDENTITY_SERVERS',
    commaList,
    'on',
    'where people may publish their addresses: on, off, or a list of servers',
  ),
  guests: setting('BLINKCHAT_GUESTS', onOff, 'off', 'guest accounts'),
  retention: setting('BLINKCHAT_RETENTION', onOff, 'off', 'hide and delete what rooms say (m.room.retention) they keep no longer'),
  retentionDefaultMs: setting('BLINKCHAT_RETENTION_DEFAULT', duration, undefined, 'how long rooms keep it that do not say, such as 365d'),
  retentionMinMs: setting('BLINKCHAT_RETENTION_MIN', duration, undefined, 'the shortest that rooms may keep it, such as 1d'),
  retentionMaxMs: setting('BLINKCHAT_RETENTION_MAX', duration, undefined, 'the longest that rooms may keep it, such as 730d'),
  presence: setting('BLINKCHAT_PRESENCE', onOff, 'on', 'presence'),
  userDirectory: setting(
    'BLINKCHAT_USER_DIRECTORY',
    oneOf(['rooms', 'all']),
    'rooms',
    'whom people find by name: who shares a room with them or is in an open one, or everybody here',
  ),
  urlPreviews: setting('BLINKCHAT_URL_PREVIEWS', onOff, 'on', 'previews of links'),
  smtpUrl: setting('BLINKCHAT_SMTP_URL', secret, undefined, 'outgoing mail, smtp://user:password@host:port; an outbox folder when unset'),
  mailFrom: setting('BLINKCHAT_MAIL_FROM', mailAddress, 'BlinkChat <noreply@localhost>', 'the sender of our mails'),
  pushFcmCredentials: setting(
    'BLINKCHAT_PUSH_FCM_CREDENTIALS',
    filePath,
    undefined,
    "the JSON file of Firebase's service account; phones are not pushed to when unset",
  ),
  pushVapidSubject: setting(
    'BLINKCHAT_PUSH_VAPID_SUBJECT',
    contactUri,
    undefined,
    'whom push services of browsers may write to, mailto: or https:; the public URL when unset',
  ),
  passwordCost: setting('BLINKCHAT_PASSWORD_COST', wholeNumber(4, 15), '10', 'bcrypt cost'),
  rateLimits: setting('BLINKCHAT_RATE_LIMITS', onOff, 'on', 'rate limits; off for tests'),
  trustedProxies: setting('BLINKCHAT_TRUSTED_PROXIES', cidrs, '127.0.0.0/8,::1/128', 'whose X-Forwarded-For is believed (CIDRs)'),

  adminContact: setting(
    'BLINKCHAT_ADMIN_CONTACT',
    text,
    undefined,
    'a Matrix id, mail address or page, shown in /.well-known/matrix/support',
  ),
  serverNotices: setting(
    'BLINKCHAT_SERVER_NOTICES',
    text,
    undefined,
    'the user name by which admins tell people something in the name of the server',
  ),
  federation: setting('BLINKCHAT_FEDERATION', commaList, 'on', 'on, off, or a list of the servers allowed'),
  keyNotaries: setting(
    'BLINKCHAT_KEY_NOTARIES',
    commaList,
    '',
    'servers believed about the keys of others that cannot be reached, such as matrix.org',
  ),
  policyServerKey: setting(
    'BLINKCHAT_POLICY_SERVER_KEY',
    text,
    undefined,
    'the ed25519 key (base64) of a policy server of this name, shown in /.well-known/matrix/policy_server',
  ),
  defaultRoomVersion: setting('BLINKCHAT_DEFAULT_ROOM_VERSION', text, '12', 'the version of new rooms'),
  maxEventDelayMs: setting(
    'BLINKCHAT_MAX_EVENT_DELAY_MS',
    wholeNumber(1, 2 ** 40),
    '86400000',
    'the longest an event may wait to be sent later',
  ),
  appservices: setting('BLINKCHAT_APPSERVICES', commaList, '', 'registration YAML files'),
  outboundCa: setting('BLINKCHAT_OUTBOUND_CA', filePath, undefined, "a PEM file trusted beside the system's for outbound TLS"),
  outboundTlsVerify: setting('BLINKCHAT_OUTBOUND_TLS_VERIFY', onOff, 'on', 'check certificates of other servers; off for tests only'),
  outboundAllow: setting('BLINKCHAT_OUTBOUND_ALLOW', cidrs, '', 'private addresses that outbound requests may reach all the same (CIDRs)'),
  turnUris: setting('BLINKCHAT_TURN_URIS', commaList, '', 'TURN servers'),
  livekitUrls: setting(
    'BLINKCHAT_LIVEKIT_URLS',
    httpUrls,
    '',
    'where clients ask for a token of a LiveKit server, for calls of many (the address of an lk-jwt-service)',
  ),
  turnSecret: setting('BLINKCHAT_TURN_SECRET', secret, undefined, 'their shared secret'),

  logLevel: setting('BLINKCHAT_LOG_LEVEL', oneOf(LOG_LEVELS), 'info', 'what is logged, to standard error'),
  metricsPort: setting('BLINKCHAT_METRICS_PORT', wholeNumber(0, MAX_PORT), undefined, 'Prometheus metrics, on the loopback address'),
} as const;
