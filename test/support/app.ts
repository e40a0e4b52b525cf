import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Logger } from '@forinda/kickjs-core'
import { createApp, type Vibed } from '../../src/app.js'
import { AccessDoubts } from '../../src/cluster/access-doubts.js'
import { Membership } from '../../src/cluster/membership.js'
import { type Config, loadConfig } from '../../src/config.js'
import { SessionWatch } from '../../src/modules/auth/sessions/session-watch.js'
import { Notifier } from '../../src/modules/notifications/notifier.js'
import { cloneDatabase } from './database.js'

Logger.configure({ level: process.env.TEST_LOG_LEVEL ?? 'silent' })

export interface TestApp extends Vibed {
  origin: string
  /** How many SQL statements were sent so far. */
  statements(): number
  /** Ends what the server asks the database by itself, so that statements can be counted. */
  quiet(): Promise<void>
}

export interface StartOptions {
  /** On Postgres unless said otherwise; `embedded` is PGlite in memory. */
  on?: 'postgres' | 'embedded'
  config?: Partial<Config>
  /** Whether it makes notifications by itself. Unless said otherwise a test does, and can count statements. */
  notifies?: boolean
}

/** The real server on a port of its own and an empty, migrated database of its own. Limits are off unless asked for. */
export async function startApp({
  on = 'postgres',
  config = {},
  notifies = false,
}: StartOptions = {}): Promise<TestApp> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vibed-test-'))
  const isGiven = config.databaseUrl !== undefined
  const cloned = on === 'postgres' && !isGiven ? await cloneDatabase() : undefined
  let sent = 0
  const settings: Config = {
    ...loadConfig({}),
    port: 0,
    dataDir,
    databaseUrl: cloned?.url,
    rateLimits: false,
    logLevel: 'silent',
    ...config,
  }
  const vibed = await createApp(settings, { onStatement: () => sent++ })
  const { port } = await vibed.start()
  if (!notifies) await vibed.container.resolve(Notifier).shutdown()
  return {
    ...vibed,
    origin: `http://127.0.0.1:${port}`,
    statements: () => sent,
    quiet: async () => {
      await vibed.container.resolve(SessionWatch).shutdown()
      vibed.container.resolve(AccessDoubts).shutdown()
      await vibed.container.resolve(Membership).leave()
    },
    stop: async () => {
      await vibed.stop()
      await cloned?.drop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
