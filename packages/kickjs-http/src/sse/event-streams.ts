import type { Request, Response } from 'express'
import { EventStream, type EventStreamOptions } from './event-stream.js'

const headers = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  Connection: 'keep-alive',
  'X-Accel-Buffering': 'no',
}

const heartbeat = Buffer.from(':\n\n')

/** How often it is looked at whether readers still take what they are sent, in milliseconds. */
const LOOK_MS = 1_000
/** So that not all clients of a server that stops come back at once. */
const SOONEST_RETURN_MS = 500
const LATEST_RETURN_MS = 2_500

/** All the open streams of one application, on one timer, and one for each heartbeat. */
export class EventStreams {
  private readonly all = new Set<EventStream>()
  private watch: NodeJS.Timeout | undefined
  private readonly groups = new Map<
    number,
    { streams: Set<EventStream>; timer: NodeJS.Timeout | undefined }
  >()
  private ended = false

  /** Answers with an open stream; with a closed one for HEAD, a client that has left, or after `close`. */
  open(req: Request, res: Response, options: EventStreamOptions = {}): EventStream {
    const { heartbeatMs = 15_000, retryMs, maxBufferedBytes = 262_144 } = options
    const stream = new EventStream(res, maxBufferedBytes)
    if (stream.closed) return stream
    res.writeHead(200, headers)
    if (req.method === 'HEAD' || this.ended) {
      stream.close()
      return stream
    }
    res.flushHeaders()
    if (retryMs !== undefined) tellRetry(stream, retryMs)
    this.join(heartbeatMs, stream)
    stream.onClose(() => this.leave(heartbeatMs, stream))
    return stream
  }

  /** Ends all streams, each told when to come back, and each that is opened later. */
  close(): void {
    this.ended = true
    for (const stream of this.all) {
      tellRetry(stream, SOONEST_RETURN_MS + Math.random() * (LATEST_RETURN_MS - SOONEST_RETURN_MS))
      stream.close()
    }
  }

  private join(heartbeatMs: number, stream: EventStream): void {
    this.all.add(stream)
    this.watch ??= setInterval(() => this.look(), LOOK_MS).unref()
    const group = this.groups.get(heartbeatMs) ?? this.start(heartbeatMs)
    group.streams.add(stream)
  }

  private leave(heartbeatMs: number, stream: EventStream): void {
    this.all.delete(stream)
    if (this.all.size === 0) {
      clearInterval(this.watch)
      this.watch = undefined
    }
    const group = this.groups.get(heartbeatMs)
    group?.streams.delete(stream)
    if (group?.streams.size !== 0) return
    clearInterval(group.timer)
    this.groups.delete(heartbeatMs)
  }

  private look(): void {
    for (const stream of this.all) stream.look()
  }

  private start(heartbeatMs: number) {
    const streams = new Set<EventStream>()
    const beat = () => {
      for (const stream of streams) stream.write(heartbeat)
    }
    const group = { streams, timer: heartbeatMs > 0 ? setInterval(beat, heartbeatMs).unref() : undefined }
    this.groups.set(heartbeatMs, group)
    return group
  }
}

function tellRetry(stream: EventStream, retryMs: number): void {
  stream.write(Buffer.from(`retry: ${Math.round(retryMs)}\n\n`))
}
