import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { EventStream } from '@forinda/kickjs-http'

/** About how much is written in one turn, in bytes: less than what may wait for a reader. */
const PORTION = 65_536
/** With more than this still to be sent, in bytes, a reader is let go: he can go on from where he is. */
const MOST_WAITING = 1_048_576
/** Between two looks at a reader who has not taken all of it, in milliseconds. */
const PAUSE_MS = 10

/**
 * Sends a stream its events no faster than they are read. All at once, what was missed could be more than
 * may wait for a reader, however fast he is: he would be cut off, come back, and be cut off again.
 */
export class Outbox {
  private waiting: Buffer[] = []
  private bytes = 0
  private isSending = false

  constructor(private readonly stream: Pick<EventStream, 'closed' | 'isBehind' | 'write' | 'close'>) {}

  get closed(): boolean {
    return this.stream.closed
  }

  push(...frames: readonly Buffer[]): void {
    if (this.bytes > MOST_WAITING) {
      this.stream.close()
      return
    }
    this.waiting.push(...frames)
    for (const { length } of frames) this.bytes += length
    if (!this.isSending) void this.send()
  }

  private async send() {
    this.isSending = true
    while (this.waiting.length > 0 && !this.stream.closed) {
      if (this.stream.isBehind) {
        await delay(PAUSE_MS, undefined, { ref: false })
      } else {
        this.writePortion()
        await nextTurn()
      }
    }
    this.isSending = false
  }

  private writePortion() {
    for (let written = 0; written < PORTION; ) {
      const frame = this.waiting.shift()
      if (!frame) return
      this.stream.write(frame)
      this.bytes -= frame.length
      written += frame.length
    }
  }
}
