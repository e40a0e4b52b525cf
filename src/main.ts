import { Logger } from '@forinda/kickjs-core'
import { createApp } from './app.js'
import { loadConfig } from './config.js'
import { StartupError } from './errors.js'
import { greeting } from './greeting.js'
import { loggerOptions } from './logging.js'

/** Longer than a graceful stop takes; then something hangs, and the process must not stay. */
const STOP_LIMIT_MS = 4_900

// From the very first, since as a container's process 1 it would not even hear a signal that it does
// not listen for. While it starts there is nothing to finish; the second signal does not wait.
let stop = (): void => process.exit(0)
process.on('SIGTERM', () => stop()).on('SIGINT', () => stop())

try {
  const config = loadConfig()
  Logger.configure(loggerOptions(config.logLevel))
  const vibed = await createApp(config)
  const { address, port } = await vibed.start().catch(async error => {
    await vibed.stop()
    throw error
  })
  stop = () => {
    stop = () => process.exit(1)
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref()
    void vibed.stop().then(() => process.exit(0))
  }
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`
  Logger.for('Vibed').info({ url }, 'listening')
  process.stdout.write(await greeting(url, config, vibed.database))
} catch (error) {
  if (!(error instanceof StartupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
