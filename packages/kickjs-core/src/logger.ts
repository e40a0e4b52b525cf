import { type DestinationStream, type LoggerOptions, pino } from 'pino'

let root = pino({ level: 'info' })

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** `('text', error)`, `('text', { fields })`, `('text of %s', value)`, `({ fields }, 'text')` or `(error)`. */
type Line = [message: string, ...details: unknown[]] | [fields: object, message?: string]

/**
 * Structured logging over pino: one root for the process, and a name on every line.
 * An `Error` becomes the field `err`, with its stack.
 *
 * @example const logger = Logger.for('ChatController')
 *          logger.info('connected', { socketId })
 *          logger.error(error, 'could not deliver')
 */
export class Logger {
  constructor(private readonly name: string) {}

  /** A logger whose lines carry `part: name`; it follows every later `Logger.configure`. */
  static for(name: string): Logger {
    return new Logger(name)
  }

  /** Replaces the root logger: level, redaction and destination as pino takes them. */
  static configure(options: LoggerOptions, destination?: DestinationStream): void {
    root = pino(options, destination)
  }

  trace(...line: Line): void {
    this.write('trace', line)
  }
  debug(...line: Line): void {
    this.write('debug', line)
  }
  info(...line: Line): void {
    this.write('info', line)
  }
  warn(...line: Line): void {
    this.write('warn', line)
  }
  error(...line: Line): void {
    this.write('error', line)
  }
  fatal(...line: Line): void {
    this.write('fatal', line)
  }

  private write(level: Level, [first, ...rest]: Line): void {
    if (!root.isLevelEnabled(level)) return
    const [detail, ...values] = rest
    if (typeof first === 'object')
      root[level](this.named(first), typeof detail === 'string' ? detail : undefined)
    else if (isObject(detail)) root[level](this.named(detail), first, ...values)
    else root[level](this.named({}), first, ...rest)
  }

  private named(fields: object): object {
    return { ...(fields instanceof Error ? { err: fields } : fields), part: this.name }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
