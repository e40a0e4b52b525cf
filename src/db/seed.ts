import { Logger } from '@forinda/kickjs-core'
import { createApp } from '../app.js'
import { loadConfig } from '../config.js'
import { StartupError } from '../errors.js'
import { loggerOptions } from '../logging.js'
import { demoLogins } from './seed/demo-logins.js'
import { sow } from './seed/sow.js'

/** `npm run seed`: a team to try Vibed with, in the database that the server would use. */
try {
  const config = loadConfig()
  Logger.configure(loggerOptions('warn'))
  const { container, database, stop } = await createApp(config)
  try {
    const isNew = await sow(container)
    const logins = await demoLogins(database)
    const news = isNew
      ? 'There is a team to try Vibed with now.'
      : 'This was seeded before; nothing has changed.'
    process.stdout.write(`${news} Sign in as one of these:\n${logins.map(login => `  ${login}\n`).join('')}`)
  } finally {
    await stop()
  }
} catch (error) {
  if (!(error instanceof StartupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
