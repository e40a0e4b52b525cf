import { TLSSocket } from 'node:tls'
import { Logger } from '@forinda/kickjs-core'
import type { Response } from 'express'

const logger = Logger.for('EventStream')

/** At so many looks in a row a reader may have taken nothing of what waits for it. */
const MOST_STALLS = 8
/** How long an ended stream may take to leave the process, in milliseconds. */
const LEAVING_MS = 2_000

export interface EventStreamOptions {
  /** How often a comment shows the connection to be alive, in milliseconds; 15,000 unless given, 0 for never. */
  heartbeatMs?: number
  /** How long the client shall wait before it reconnects, in milliseconds. */
  retryMs?: number
  /** What may wait for a slow reader before it is cut off; 256 KiB unless given. */
  maxBufferedBytes?: number
}

/** Who ended a stream: the client or the network, the server, or the client's slow reading. */
export type StreamEnd = 'client' | 'server' | 'slow'

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
  private callbacks: ((end: StreamEnd) => void)[] = []
  private end: StreamEnd | undefined
  /** What waited before this turn of the event loop, in which Node holds back all that is written. */
  private waiting = 0
  /** The bytes that had left the process at the last look, and how many looks ago that changed. */
  private left = 0
  private stalls = 0

  constructor(
    private readonly res: Response,
    private readonly maxBufferedBytes: number,
  ) {
    if (res.destroyed) this.end = 'client'
    else res.once('close', () => this.finish('client'))
  }

  get closed(): boolean {
    return this.end !== undefined
  }

  /**
   * Whether some of what was sent earlier still waits for the client to read. Who sends the whole state
   * each time may leave this one out.
   */
  get isBehind(): boolean {
    const isHeldBack = (this.res.socket?.writableCorked ?? 0) > 0
    return (isHeldBack ? this.waiting : this.res.writableLength) > 0
  }

  /** Sends `data` as JSON. Errors: a TypeError for a line break or NUL in `event` or `id`. */
  send(data: unknown, event?: string, id?: string): void {
    if (!this.closed) this.write(encodeEvent(data, event, id))
  }

  /** Sends text that clients ignore, which keeps proxies from closing an idle connection. */
  comment(text: string): void {
    const lines = text.split(/\r\n|\r|\n/).map(line => `: ${line}\n`)
    this.write(Buffer.from(`${lines.join('')}\n`))
  }

  /** Sends a frame made by `encodeEvent`. A reader with too much still unread is cut off instead. */
  write(frame: Buffer): void {
    if (this.closed) return
    if (this.res.writableLength > this.maxBufferedBytes) {
      this.cutOff()
      return
    }
    if (this.res.socket?.writableCorked === 0) this.waiting = this.res.writableLength
    this.res.write(frame)
  }

  /** Calls `fn` once, when either side has closed the stream; at once if that has happened. */
  onClose(fn: (end: StreamEnd) => void): void {
    if (this.end) settle(fn, this.end)
    else this.callbacks.push(fn)
  }

  /** Ends the stream; what was sent before still arrives, unless its reader leaves it lying for 2 seconds. */
  close(): void {
    if (this.closed) return
    // Nobody counts it from here on, so it cannot be left to the reader how long it stays.
    const deadline = setTimeout(() => this.reset(), LEAVING_MS).unref()
    this.res.once('close', () => clearTimeout(deadline)).end()
    this.finish('server')
  }

  /** Ends the stream of a reader who is too slow, at once: what he has not read is lost to him. */
  cutOff(): void {
    if (this.closed) return
    this.reset()
    this.finish('slow')
  }

  /** To be called every second: cuts off a reader who has taken nothing of what waits for a while. */
  look(): void {
    const { writableLength, socket } = this.res
    const left = socket && writableLength > 0 ? socket.bytesWritten - socket.writableLength : 0
    this.stalls = writableLength === 0 || left > this.left ? 0 : this.stalls + 1
    this.left = left
    if (this.stalls >= MOST_STALLS) this.cutOff()
  }

  /** So that the kernel forgets what it has for the reader, too: he will come back for all of it. */
  private reset(): void {
    const { socket } = this.res
    if (socket && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
    else this.res.destroy()
  }

  private finish(end: StreamEnd): void {
    if (this.end) return
    this.end = end
    for (const fn of this.callbacks.splice(0)) settle(fn, end)
  }
}

function settle(fn: (end: StreamEnd) => void, end: StreamEnd): void {
  try {
    fn(end)
  } catch (error) {
    logger.error({ err: error }, 'A callback of onClose failed')
  }
}

function field(name: string, value: string | undefined): string {
  if (value === undefined) return ''
  if (/[\r\n\0]/.test(value)) throw new TypeError(`The ${name} of an event is one line without NUL`)
  return `${name}: ${value}\n`
}
