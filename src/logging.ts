import type { Logger } from '@forinda/kickjs-core'

type LoggerOptions = Parameters<typeof Logger.configure>[0]

/** How the process logs: pino at a level, with errors told without the values that a statement was sent with. */
export function loggerOptions(level: string): LoggerOptions {
  return { level, serializers: { err: describe } }
}

/**
 * An error with its causes. A failed statement is named by its text alone: its values, and so its
 * message and Postgres' detail, may be hashes of passwords and tokens.
 */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { query, code, constraint } = Object(error)
  return {
    type: error.constructor.name,
    message: query === undefined ? error.message : `Failed query: ${query}`,
    code,
    constraint,
    stack: framesOf(error),
    cause: error.cause === undefined ? undefined : describe(error.cause),
    errors: error instanceof AggregateError ? error.errors.map(describe) : undefined,
  }
}

/** The stack without the message that it begins with. */
function framesOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter(line => /^\s+at /.test(line))
    .join('\n')
}
