import { type DestinationStream, type LoggerOptions, type Logger as Pino, pino } from 'pino'

let root: Pino = pino({ level: 'info' })

/**
 * Structured logging over pino: one root for the process, a named child for each part.
 *
 * @example const logger = Logger.for('ChatController')
 *          logger.info({ socketId }, 'connected')
 */
export class Logger {
  private constructor(private readonly name: string) {}

  /** A logger that marks each line with `name`; it follows a later `Logger.configure`. */
  static for(name: string): Logger {
    return new Logger(name)
  }

  /** Replaces the root logger: level, redaction and destination as pino takes them. */
  static configure(options: LoggerOptions, destination?: DestinationStream): void {
    root = destination ? pino(options, destination) : pino(options)
  }

  debug(...args: LogArguments) {
    this.write('debug', args)
  }
  info(...args: LogArguments) {
    this.write('info', args)
  }
  warn(...args: LogArguments) {
    this.write('warn', args)
  }
  error(...args: LogArguments) {
    this.write('error', args)
  }

  private write(level: 'debug' | 'info' | 'warn' | 'error', [first, message]: LogArguments) {
    if (!root.isLevelEnabled(level)) return
    const fields = typeof first === 'string' ? {} : first instanceof Error ? { err: first } : first
    root[level]({ part: this.name, ...fields }, typeof first === 'string' ? first : message)
  }
}

type LogArguments = [message: string] | [fields: object, message?: string]
