import { resolve } from 'node:path'
import { z } from 'zod'
import { StartupError } from './errors.js'

/** `15m`, `7d`, `30s`, `12h` to milliseconds. */
const duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a number with s, m, h or d, such as 15m')
  .transform(
    text =>
      Number.parseInt(text, 10) * { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[text.at(-1) as 's' | 'm' | 'h' | 'd'],
  )

const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess(value => (value === '' ? undefined : value), schema.optional())

const withDefault = <T extends z.ZodType>(schema: T, fallback: z.input<T>) =>
  z.preprocess(value => (value === '' || value === undefined ? fallback : value), schema)

const count = (most: number) => z.coerce.number(`must be a number from 1 to ${most}`).int().min(1).max(most)

const bytes = (most: number) => {
  const message = `must be a number of bytes from 1 to ${most}`
  return z.coerce.number(message).int(message).min(1, message).max(most, message)
}

const environment = z.object({
  PORT: withDefault(z.coerce.number('must be a port from 0 to 65535').int().min(0).max(65535), '3000'),
  HOST: withDefault(z.string(), '127.0.0.1'),
  DATABASE_URL: optional(z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })),
  DATABASE_DIRECT_URL: optional(z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })),
  DATABASE_POOL_SIZE: withDefault(
    z.coerce.number('must be a number from 1 to 500').int().min(1).max(500),
    '10',
  ),
  VIBED_DATA_DIR: withDefault(
    z.string().transform(path => resolve(path)),
    './.vibed',
  ),
  REDIS_URL: optional(z.url({ protocol: /^rediss?$/, error: 'must be a redis:// URL' })),
  NODE_NAME: optional(
    z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be 1 to 32 letters, digits, dashes or underscores'),
  ),
  MAX_CONNECTIONS: withDefault(count(1_000_000), '10000'),
  MAX_CONNECTIONS_PER_USER: withDefault(count(100_000), '100'),
  MAX_CONNECTIONS_PER_IP: withDefault(count(1_000_000), '1000'),
  JWT_SECRET: optional(z.string().min(32, 'must have at least 32 characters')),
  JWT_ACCESS_EXPIRES_IN: withDefault(duration, '15m'),
  JWT_REFRESH_EXPIRES_IN: withDefault(duration, '7d'),
  CORS_ORIGINS: withDefault(
    z
      .string()
      .transform(text =>
        text
          .split(',')
          .map(origin => origin.trim())
          .filter(Boolean),
      )
      .pipe(
        z.array(z.url({ protocol: /^https?$/, error: 'must be origins such as https://app.example.com' })),
      ),
    '',
  ),
  TRUST_PROXY: withDefault(
    z.coerce.number('must be the number of proxies in front').int().min(0).max(10),
    '0',
  ),
  RATE_LIMITS: withDefault(z.enum(['on', 'off'], 'must be on or off'), 'on'),
  MAX_UPLOAD_BYTES: withDefault(bytes(5 * 2 ** 30), String(25 * 2 ** 20)),
  WORKSPACE_QUOTA_BYTES: withDefault(bytes(2 ** 50), String(5 * 2 ** 30)),
  SMTP_URL: optional(z.url({ protocol: /^smtps?$/, error: 'must be a smtp:// or smtps:// URL' })),
  MAIL_FROM: optional(
    z
      .string()
      .regex(
        /^([^<>\r\n]+ <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/,
        'must be an address such as Vibed <vibed@example.com>',
      ),
  ),
  S3_BUCKET: optional(z.string()),
  S3_ENDPOINT: optional(z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })),
  S3_REGION: withDefault(z.string(), 'us-east-1'),
  S3_ACCESS_KEY_ID: optional(z.string()),
  S3_SECRET_ACCESS_KEY: optional(z.string()),
  S3_FORCE_PATH_STYLE: withDefault(z.enum(['on', 'off'], 'must be on or off'), 'off'),
  LOG_LEVEL: withDefault(
    z.enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be a level of pino, or silent',
    ),
    'info',
  ),
})

/** The container's token for the settings. */
export const CONFIG = Symbol('Config')

/** The settings of one server: all times in milliseconds, all paths absolute. */
export interface Config {
  port: number
  host: string
  /** Empty: the embedded database in `dataDir`. */
  databaseUrl: string | undefined
  /** Where connections go that a transaction pooler cannot carry: the bus between nodes, and the locks of jobs. */
  databaseDirectUrl: string | undefined
  databasePoolSize: number
  dataDir: string
  /** Empty: nodes reach each other over the database. */
  redisUrl: string | undefined
  /** Stands at the head of each socket's session id, for proxies to find the node by. */
  nodeName: string | undefined
  /** Sockets of this process. */
  maxConnections: number
  /** Sockets and streams, of all nodes together. */
  maxConnectionsPerUser: number
  maxConnectionsPerAddress: number
  /** Empty: made once and kept in `dataDir`. */
  jwtSecret: string | undefined
  accessTokenMs: number
  refreshTokenMs: number
  corsOrigins: string[]
  /** How many proxies stand in front, whose `X-Forwarded-*` are believed. */
  trustProxy: number
  rateLimits: boolean
  /** The largest file that is taken. */
  maxUploadBytes: number
  /** How much the files of one workspace may be together. */
  workspaceQuotaBytes: number
  /** Empty: files are in `dataDir`. */
  s3: S3Config | undefined
  /** Empty: there is no mail server. */
  smtp: SmtpConfig | undefined
  logLevel: string
}

/** A mail server. */
export interface SmtpConfig {
  url: string
  /** The sender of every mail. */
  from: string
}

/** A bucket for files, of S3 or of whatever speaks its protocol. */
export interface S3Config {
  bucket: string
  region: string
  /** Empty: that of AWS for the region. */
  endpoint: string | undefined
  /** Whether the bucket is named in the path, and not as a part of the host. */
  forcePathStyle: boolean
  /** Empty: from wherever AWS' tools find theirs, such as the role of the machine. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined
}

/**
 * Reads the environment; an unset and an empty variable mean the same.
 * @throws StartupError naming each variable that is wrong and what it must be
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(issue => `${String(issue.path[0])} ${issue.message}`)
    throw new StartupError(`Wrong environment: ${[...new Set(problems)].join('; ')} (see .env.example)`)
  }
  const values = parsed.data
  return {
    port: values.PORT,
    host: values.HOST,
    databaseUrl: values.DATABASE_URL,
    databaseDirectUrl: values.DATABASE_DIRECT_URL ?? values.DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL_SIZE,
    dataDir: values.VIBED_DATA_DIR,
    redisUrl: values.REDIS_URL,
    nodeName: values.NODE_NAME,
    maxConnections: values.MAX_CONNECTIONS,
    maxConnectionsPerUser: values.MAX_CONNECTIONS_PER_USER,
    maxConnectionsPerAddress: values.MAX_CONNECTIONS_PER_IP,
    jwtSecret: values.JWT_SECRET,
    accessTokenMs: values.JWT_ACCESS_EXPIRES_IN,
    refreshTokenMs: values.JWT_REFRESH_EXPIRES_IN,
    corsOrigins: values.CORS_ORIGINS,
    trustProxy: values.TRUST_PROXY,
    rateLimits: values.RATE_LIMITS === 'on',
    maxUploadBytes: values.MAX_UPLOAD_BYTES,
    workspaceQuotaBytes: values.WORKSPACE_QUOTA_BYTES,
    s3: s3Of(values),
    smtp: smtpOf(values),
    logLevel: values.LOG_LEVEL,
  }
}

function smtpOf({ SMTP_URL: url, MAIL_FROM: from }: z.output<typeof environment>): SmtpConfig | undefined {
  if (url === undefined && from === undefined) return undefined
  if (url !== undefined && from !== undefined) return { url, from }
  throw new StartupError('Wrong environment: SMTP_URL and MAIL_FROM go together: set both or neither')
}

function s3Of(values: z.output<typeof environment>): S3Config | undefined {
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: id, S3_SECRET_ACCESS_KEY: secret } = values
  if ((id === undefined) !== (secret === undefined)) {
    throw new StartupError(
      'Wrong environment: S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY go together: set both or neither',
    )
  }
  if (bucket === undefined) {
    const isUnused = values.S3_ENDPOINT === undefined && values.S3_FORCE_PATH_STYLE === 'off'
    if (id === undefined && isUnused) return undefined
    throw new StartupError(
      'Wrong environment: S3_BUCKET is missing: name the bucket, or unset the other S3_…',
    )
  }
  return {
    bucket,
    region: values.S3_REGION,
    endpoint: values.S3_ENDPOINT,
    forcePathStyle: values.S3_FORCE_PATH_STYLE === 'on',
    credentials: id && secret ? { accessKeyId: id, secretAccessKey: secret } : undefined,
  }
}
