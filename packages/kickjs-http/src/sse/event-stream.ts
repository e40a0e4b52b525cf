import { Logger } from '@forinda/kickjs-core'
import type { Response } from 'express'

const logger = Logger.for('EventStream')

export interface EventStreamOptions {
  /** How often a comment shows the connection to be alive, in milliseconds; 15,000 unless given, 0 for never. */
  heartbeatMs?: number
  /** How long the client shall wait before it reconnects, in milliseconds. */
  retryMs?: number
  /** What may wait for a slow reader before it is cut off; 1 MiB unless given. */
  maxBufferedBytes?: number
}

/**
 * An event as bytes, to be made once and written to many streams. The data is JSON, so any text in
 * it is one line. Errors: a TypeError for a line break or NUL in `event` or `id`.
 */
export function encodeEvent(data: unknown, event?: string, id?: string): Buffer {
  const json = JSON.stringify(data ?? null)
  return Buffer.from(`${field('event', event)}${field('id', id)}data: ${json}\n\n`)
}

/** One open stream of Server-Sent Events. Whatever is written after its close goes nowhere. */
export class EventStream {
  private callbacks: (() => void)[] = []
  private ended = false

  constructor(
    private readonly res: Response,
    private readonly maxBufferedBytes: number,
  ) {
    if (res.destroyed) this.ended = true
    else res.once('close', () => this.finish())
  }

  get closed(): boolean {
    return this.ended
  }

  /** Sends `data` as JSON. Errors: a TypeError for a line break or NUL in `event` or `id`. */
  send(data: unknown, event?: string, id?: string): void {
    if (!this.ended) this.write(encodeEvent(data, event, id))
  }

  /** Sends text that clients ignore, which keeps proxies from closing an idle connection. */
  comment(text: string): void {
    const lines = text.split(/\r\n|\r|\n/).map(line => `: ${line}\n`)
    this.write(Buffer.from(`${lines.join('')}\n`))
  }

  /** Sends a frame made by `encodeEvent`. A reader with too much still unread is cut off instead. */
  write(frame: Buffer): void {
    if (this.ended) return
    if (this.res.writableLength <= this.maxBufferedBytes) {
      this.res.write(frame)
      return
    }
    this.res.destroy()
    this.finish()
  }

  /** Calls `fn` once, when either side has closed the stream; at once if that has happened. */
  onClose(fn: () => void): void {
    if (this.ended) settle(fn)
    else this.callbacks.push(fn)
  }

  /** Ends the stream; what was sent before still arrives. */
  close(): void {
    if (this.ended) return
    this.res.end()
    this.finish()
  }

  private finish(): void {
    if (this.ended) return
    this.ended = true
    for (const fn of this.callbacks.splice(0)) settle(fn)
  }
}

function settle(fn: () => void): void {
  try {
    fn()
  } catch (error) {
    logger.error({ err: error }, 'A callback of onClose failed')
  }
}

function field(name: string, value: string | undefined): string {
  if (value === undefined) return ''
  if (/[\r\n\0]/.test(value)) throw new TypeError(`The ${name} of an event is one line without NUL`)
  return `${name}: ${value}\n`
}
