import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { type Milestone, Pace } from '@forinda/kickjs-core'
import type { EventStream } from '@forinda/kickjs-http'

/** About how much is written in one turn, in bytes: less than what may wait for a reader. */
const PORTION = 65_536
/** With more than this still to be sent, in bytes, besides what he missed, a reader is cut off: he comes back for it. */
const MOST_WAITING = 1_048_576
/** Between two looks at a reader who has not taken all of it, in milliseconds. */
const PAUSE_MS = 10

interface Waiting extends Milestone {
  frame: Buffer
}

/**
 * Sends a stream its events no faster than they are read. All at once, what was missed could be more than
 * may wait for a reader, however fast he is: he would be cut off, come back, and be cut off again. Who takes
 * less than 32 KB/s of what there is for him is cut off soon.
 */
export class Outbox {
  private readonly pace = new Pace()
  private waiting: Waiting[] = []
  /** The last one that was written, until its reader has taken it. */
  private leaving: Waiting | undefined
  /** Positions in the stream of bytes: of the end of what was missed, and of what was written. */
  private missedTo = 0
  private writtenTo = 0
  private isSending = false

  /** @param clock tells milliseconds */
  constructor(
    private readonly stream: Pick<EventStream, 'closed' | 'isBehind' | 'write' | 'cutOff'>,
    private readonly clock = () => performance.now(),
  ) {}

  get closed(): boolean {
    return this.stream.closed
  }

  /** Sends what the reader missed, however much it is. */
  begin(missed: readonly Buffer[]): void {
    this.push(...missed)
    this.missedTo = this.pace.sent
  }

  push(...frames: readonly Buffer[]): void {
    if (this.pace.sent - Math.max(this.writtenTo, this.missedTo) > MOST_WAITING) {
      this.stream.cutOff()
      return
    }
    const now = this.clock()
    for (const frame of frames) {
      this.pace.send(frame.length, now)
      this.waiting.push({ frame, ...this.pace.milestone(now) })
    }
    if (!this.isSending) void this.send()
  }

  private async send() {
    this.isSending = true
    while ((this.leaving ?? this.waiting[0]) && !this.stream.closed) {
      if (this.stream.isBehind) {
        await this.wait()
      } else {
        this.taken()
        this.writePortion()
        await nextTurn()
      }
    }
    this.isSending = false
  }

  private async wait() {
    const oldest = this.leaving ?? this.waiting[0]
    if (oldest && this.pace.isLate(oldest, this.clock())) {
      this.stream.cutOff()
      return
    }
    await delay(PAUSE_MS, undefined, { ref: false })
    // Where the process stood still, what was taken meanwhile is heard of first.
    await nextTurn()
  }

  private taken() {
    if (this.leaving) this.pace.reach(this.writtenTo, this.waiting, this.clock())
    this.leaving = undefined
  }

  private writePortion() {
    for (let written = 0; written < PORTION; ) {
      const next = this.waiting.shift()
      if (!next) return
      this.stream.write(next.frame)
      this.leaving = next
      this.writtenTo = next.position
      written += next.frame.length
    }
  }
}
