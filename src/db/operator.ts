import { parseArgs } from 'node:util'
import { Logger } from '@forinda/kickjs-core'
import { loadConfig } from '../config.js'
import { StartupError } from '../errors.js'
import { loggerOptions } from '../logging.js'
import { Database } from './database.js'
import { setOperator } from './set-operator.js'

const USAGE = 'Say whose e-mail it is: npm run operator -- ann@example.com, and --revoke to take it back'

/** `npm run operator -- ann@example.com`: lets a user run the server, in the database that it would use. */
try {
  const { email, revoke } = wish()
  const { databaseUrl: url, dataDir } = loadConfig()
  Logger.configure(loggerOptions('warn'))
  const database = await Database.open({ url, dataDir })
  try {
    if (!(await setOperator(database, email, !revoke))) throw new StartupError(`There is no user ${email}`)
  } finally {
    await database.close()
  }
  process.stdout.write(`${email} ${revoke ? 'is no operator any more' : 'is an operator now'}.\n`)
} catch (error) {
  if (!(error instanceof StartupError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

function wish() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { revoke: { type: 'boolean', default: false } },
    })
    const [email, ...others] = positionals
    if (email === undefined || others.length > 0) throw new StartupError(USAGE)
    return { email: email.toLowerCase(), revoke: values.revoke }
  } catch (error) {
    throw new StartupError(USAGE, { cause: error })
  }
}
