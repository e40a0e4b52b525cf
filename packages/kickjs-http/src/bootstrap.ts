import { Logger } from '@forinda/kickjs-core'
import { Application, type ApplicationOptions } from './application.js'

const logger = Logger.for('bootstrap')

/**
 * Starts an application and stops it on SIGTERM or SIGINT: the first signal shuts it down and exits
 * with 0, a second one exits at once with 1. Errors: as `Application.start`.
 */
export async function bootstrap(options: ApplicationOptions): Promise<Application> {
  const application = new Application(options)
  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1)
    stopping = true
    await application.shutdown()
    process.exit(0)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  try {
    const { address, port } = await application.start()
    logger.info({ address, port }, 'Listening')
    return application
  } catch (error) {
    process.off('SIGTERM', stop).off('SIGINT', stop)
    throw error
  }
}
