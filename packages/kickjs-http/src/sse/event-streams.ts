import type { Request, Response } from 'express'
import { EventStream, type EventStreamOptions } from './event-stream.js'

const headers = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  Connection: 'keep-alive',
  'X-Accel-Buffering': 'no',
}

const heartbeat = Buffer.from(':\n\n')

/** All the open streams of one application, those with the same heartbeat on one timer. */
export class EventStreams {
  private readonly groups = new Map<
    number,
    { streams: Set<EventStream>; timer: NodeJS.Timeout | undefined }
  >()
  private ended = false

  /** Answers with an open stream; with a closed one for HEAD, a client that has left, or after `close`. */
  open(req: Request, res: Response, options: EventStreamOptions = {}): EventStream {
    const { heartbeatMs = 15_000, retryMs, maxBufferedBytes = 1024 * 1024 } = options
    const stream = new EventStream(res, maxBufferedBytes)
    if (stream.closed) return stream
    res.writeHead(200, headers)
    if (req.method === 'HEAD' || this.ended) {
      stream.close()
      return stream
    }
    res.flushHeaders()
    if (retryMs !== undefined) stream.write(Buffer.from(`retry: ${Math.round(retryMs)}\n\n`))
    this.join(heartbeatMs, stream)
    stream.onClose(() => this.leave(heartbeatMs, stream))
    return stream
  }

  /** Ends all streams, and each that is opened later. */
  close(): void {
    this.ended = true
    for (const { streams } of this.groups.values()) for (const stream of streams) stream.close()
  }

  private join(heartbeatMs: number, stream: EventStream): void {
    const group = this.groups.get(heartbeatMs) ?? this.start(heartbeatMs)
    group.streams.add(stream)
  }

  private leave(heartbeatMs: number, stream: EventStream): void {
    const group = this.groups.get(heartbeatMs)
    group?.streams.delete(stream)
    if (group?.streams.size !== 0) return
    clearInterval(group.timer)
    this.groups.delete(heartbeatMs)
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
