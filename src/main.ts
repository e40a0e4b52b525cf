import { Logger } from '@forinda/kickjs-core'
import { createApp } from './app.js'
import { loadConfig } from './config.js'
import { StartupError } from './errors.js'

/** Longer than a graceful stop takes; then something hangs, and the process must not stay. */
const STOP_LIMIT_MS = 4_900

try {
  const config = loadConfig()
  Logger.configure({ level: config.logLevel })
  const vibed = await createApp(config)
  const { address, port } = await vibed.start()
  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1)
    stopping = true
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref()
    await vibed.stop()
    process.exit(0)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  Logger.for('Vibed').info({ url: `http://${address}:${port}` }, 'listening')
} catch (error) {
  if (!(error instanceof StartupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
