import { Logger } from '@forinda/kickjs-core'
import { type EventStream, encodeEvent } from '@forinda/kickjs-http'

/** Somewhat more than a quarter of a second between two events, so that no second holds more than four. */
const GAP_MS = 300
/** Somewhat less than the ten seconds promised, since the counting has to fit in as well. */
const PERIOD_MS = 9_500
/** Counts older than this are counted anew: other nodes change them, too. */
const BELIEVED_MS = 5_000

const logger = Logger.for('Stats')

/** What a topic needs of a stream. */
export type Listener = Pick<EventStream, 'closed' | 'isBehind' | 'write' | 'onClose'>

/** Where a topic's numbers come from. */
export interface Numbers<Counts> {
  /** What the database counts, in one statement. */
  count(): Promise<Counts>
  /** The statistics: these counts, together with what memory knows. */
  complete(counts: Counts): object
}

/** What was sent last: its text without the time, to tell whether anything has changed, and its bytes by event name. */
interface Edition {
  text: string
  statistics: object
  at: number
  frames: Map<string, Buffer>
}

/**
 * The statistics of one workspace or project, for all who listen to them on this node: counted once
 * and written down once, however many they are. One timer stands for the next thing to do.
 */
export class Topic<Counts> {
  private readonly listeners = new Map<Listener, string>()
  private counts: { value: Counts; at: number } | undefined
  private sent: Edition | undefined
  private triedAt = 0
  /** What has to be done before `sent` is true again. */
  private due: 'nothing' | 'completing' | 'counting' = 'counting'
  /** Somebody has not heard anything yet. */
  private awaited = false
  private running = false
  private timer: NodeJS.Timeout | undefined

  /** @param abandon called when the last listener has gone; from then on nobody may join */
  constructor(
    private readonly numbers: Numbers<Counts>,
    private readonly abandon: () => void,
  ) {}

  /** Sends the statistics to a stream under this event name: at once what is up to date, then each change. */
  join(stream: Listener, event: string): void {
    this.listeners.set(stream, event)
    stream.onClose(() => this.leave(stream))
    if (stream.closed) return
    if (this.sent && this.due === 'nothing' && !this.running) {
      write(this.sent, stream, event)
      return
    }
    this.awaited = true
    this.wake()
  }

  /** Something that the database counts has changed. */
  recount(): void {
    this.due = 'counting'
    this.wake()
  }

  /** Something that memory knows has changed. */
  refresh(): void {
    if (this.due === 'nothing') this.due = 'completing'
    this.wake()
  }

  private leave(stream: Listener) {
    this.listeners.delete(stream)
    if (this.listeners.size > 0) return
    clearTimeout(this.timer)
    this.abandon()
  }

  /** A run under way will see by itself that there is more to do. */
  private wake() {
    if (!this.running) this.runAt(this.triedAt + GAP_MS)
  }

  private runAt(time: number) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.run(), Math.max(0, time - Date.now()))
  }

  private async run() {
    this.running = true
    const succeeded = await this.attempt()
    this.running = false
    this.triedAt = Date.now()
    if (this.listeners.size === 0) return
    if (!succeeded) this.runAt(this.triedAt + PERIOD_MS)
    else if (this.due === 'nothing') this.runAt((this.sent?.at ?? 0) + PERIOD_MS)
    else this.wake()
  }

  /** Without a reason it is the period that is over: then also what has not changed is sent. */
  private async attempt(): Promise<boolean> {
    const reason = this.due
    this.due = 'nothing'
    try {
      const isOld = this.counts === undefined || Date.now() - this.counts.at > BELIEVED_MS
      const counts = this.counts && !isOld && reason !== 'counting' ? this.counts : await this.count()
      this.publish(this.numbers.complete(counts.value), reason === 'nothing')
      return true
    } catch (error) {
      this.due = 'counting'
      logger.error({ err: error }, 'statistics could not be counted')
      return false
    }
  }

  private async count() {
    const value = await this.numbers.count()
    this.counts = { value, at: Date.now() }
    return this.counts
  }

  private publish(statistics: object, always: boolean) {
    const text = JSON.stringify(statistics)
    if (text === this.sent?.text && !always && !this.awaited) return
    const at = Date.now()
    const timed = { ...statistics, timestamp: new Date(at).toISOString() }
    const sent = { text, statistics: timed, at, frames: new Map() }
    this.sent = sent
    this.awaited = false
    // Who has not read the last ones yet is spared the ones in between: each holds everything.
    for (const [stream, event] of this.listeners) if (!stream.isBehind) write(sent, stream, event)
  }
}

function write({ statistics, frames }: Edition, stream: Listener, event: string): void {
  const frame = frames.get(event) ?? encodeEvent(statistics, event)
  frames.set(event, frame)
  stream.write(frame)
}
