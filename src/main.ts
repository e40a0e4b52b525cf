import { Logger } from '@forinda/kickjs-core'
import { createApp } from './app.js'
import { loadConfig } from './config.js'
import { demoLogins } from './db/seed/demo-logins.js'
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
  // Before anybody can ask it to stop, which closes the database.
  const logins = await demoLogins(vibed.database)
  const { address, port } = await vibed.start().catch(async error => {
    await vibed.stop()
    throw error
  })
  const leave = (code: number) => {
    stop = () => process.exit(1)
    // It also keeps the process from ending by itself, with 0, while it only waits for timers that do not.
    setTimeout(() => process.exit(1), STOP_LIMIT_MS)
    vibed.stop().then(
      () => process.exit(code),
      error => {
        Logger.for('Vibed').error({ err: error }, 'could not stop as it should')
        process.exit(1)
      },
    )
  }
  stop = () => leave(0)
  void vibed.database.failed.then(({ message }) => {
    process.stderr.write(`${message}: start Vibed again, which recovers all that was acknowledged\n`)
    leave(1)
  })
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`
  Logger.for('Vibed').info({ url }, 'listening')
  process.stdout.write(greeting(url, config, logins))
} catch (error) {
  if (!(error instanceof StartupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
