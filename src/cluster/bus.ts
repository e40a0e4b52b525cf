import { setTimeout as delay } from 'node:timers/promises'
import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Events, type Told } from '../events.js'
import { type Frame, toTell } from './bus-frame.js'
import { Peers } from './peers.js'
import { ThisNode } from './this-node.js'
import type { Transport } from './transport/transport.js'

/** What the bus needs of a Socket.IO namespace. */
export interface Line {
  serverSideEmit(event: 'bus', frame: Frame): boolean
  on(event: 'bus', listener: (frame: Frame) => void): unknown
}

/** How the bus is: `off` where there is only this process, `down` while the others cannot be heard. */
export type BusState = 'up' | 'down' | 'off'

/** Told what goes over the bus, for metrics. */
export interface BusObserver {
  sent(events: number): void
  received(events: number): void
  dropped(events: number): void
  lag(milliseconds: number): void
}

/** A frame fits into a NOTIFY, which takes 8,000 bytes, with what Socket.IO puts around it. */
const FRAME_BYTES = 6_500
/**
 * What may wait for a bus that is slow or away, and what may be held for listeners. The database is the truth, so
 * the rest is simply dropped.
 */
const MOST_WAITING = 5_000
const BEAT_MS = 1_000
/** A process that was not awake for so long may have missed that somebody lost access. */
const STANDSTILL_MS = 2_500
/** The others count as unheard after so many milliseconds. */
const SILENT_MS = 4_000
/** While the transport is busy it is looked at again after so many milliseconds. */
const BUSY_MS = 2
const CLOSE_LIMIT_MS = 1_000

const logger = Logger.for('Bus')

/**
 * Carries domain events to the other nodes, as wake-ups: nothing is stored, repeated or waited for. What
 * gets lost is noticed by its number and made good from the database (`bus.missed`).
 */
@Service()
export class Bus {
  @Autowired(Events) private events!: Events
  @Autowired(ThisNode) private node!: ThisNode
  private readonly peers = new Peers(SILENT_MS)
  private waiting: { told: Told; bytes: number }[] = []
  private transport: Transport | undefined
  private line: Line | undefined
  private observer: BusObserver | undefined
  private sent = 0
  private isFlushing = false
  private beater: NodeJS.Timeout | undefined
  private deafSince: number | undefined
  /** When this process last showed that it runs. */
  private awakeAt = performance.now()
  /** What is to be told once access has been looked at. */
  private held: Told[] | undefined
  /** Whether it stood still once more since that look began. */
  private mustLookAgain = false

  /** Starts to pass events on, and to listen. */
  open(transport: Transport, line: Line, observer?: BusObserver): void {
    this.transport = transport
    this.line = line
    this.observer = observer
    this.awakeAt = performance.now()
    line.on('bus', frame => this.receive(frame))
    this.events.on('nodes.seen', ({ nodes }) => this.follow(nodes.map(({ id }) => id)))
    this.events.on('node.left', ({ nodeId }) => this.peers.forget(nodeId))
    this.events.relayTo((...told) => this.tell(told))
    this.beater = setInterval(() => this.beat(), BEAT_MS).unref()
    this.beat()
  }

  get state(): BusState {
    if (!this.transport) return 'off'
    return this.transport.isConnected && this.deafSince === undefined ? 'up' : 'down'
  }

  /** Events that wait to be sent. */
  get backlog(): number {
    return this.waiting.length
  }

  /** Sends what waits, and no more; resolves when it is on its way, or after a second. */
  async close(): Promise<void> {
    clearInterval(this.beater)
    this.events.relayTo(() => {})
    while (this.waiting.length > 0) this.send()
    this.line = undefined
    const end = performance.now() + CLOSE_LIMIT_MS
    while ((this.transport?.pending ?? 0) > 0 && performance.now() < end) await delay(BUSY_MS)
  }

  private tell(told: Told) {
    const next = this.peers.any ? toTell(told) : undefined
    if (!next) return
    this.waiting.push(next)
    if (this.waiting.length > MOST_WAITING) this.drop()
    if (this.isFlushing) return
    this.isFlushing = true
    // After this turn of the event loop, so that all its events go together.
    setImmediate(() => this.flush())
  }

  private drop() {
    this.observer?.dropped(this.waiting.length)
    this.waiting = []
    // A number that nobody gets: the others see the gap, and look into the database.
    this.sent += 1
  }

  private flush() {
    if (this.waiting.length === 0 || !this.line) {
      this.isFlushing = false
    } else if ((this.transport?.pending ?? 0) > 0) {
      setTimeout(() => this.flush(), BUSY_MS).unref()
    } else {
      this.send()
      setImmediate(() => this.flush())
    }
  }

  private send() {
    let bytes = 0
    const end = this.waiting.findIndex(next => {
      bytes += next.bytes
      return bytes > FRAME_BYTES
    })
    const taken = this.waiting.splice(0, end === -1 ? this.waiting.length : Math.max(end, 1))
    this.emit({ told: taken.map(({ told }) => told) })
    this.observer?.sent(taken.length)
  }

  private beat() {
    const now = performance.now()
    this.noticeStandstill(now)
    this.emit({ told: [], beat: this.peers.beat(now) })
    this.listenHard(now)
  }

  private emit(rest: Pick<Frame, 'told' | 'beat'>) {
    this.sent += 1
    this.line?.serverSideEmit('bus', { from: this.node.id, n: this.sent, ...rest })
  }

  private receive(frame: Frame) {
    const now = performance.now()
    this.noticeStandstill(now)
    this.take(frame, now)
  }

  /**
   * Whoever stood still gets everything at once when he goes on: what was said, and who may not hear it any
   * more. So first of all he looks who that is.
   */
  private noticeStandstill(now: number) {
    const hasStoodStill = now - this.awakeAt > STANDSTILL_MS
    this.awakeAt = now
    if (!hasStoodStill) return
    this.mustLookAgain = true
    if (!this.held) void this.lookBeforeTelling()
  }

  private async lookBeforeTelling() {
    this.held = []
    while (this.mustLookAgain) {
      this.mustLookAgain = false
      await this.events.deliverAndWait('access.doubted', {})
    }
    const { held } = this
    this.held = undefined
    for (const told of held) this.events.deliver(...told)
  }

  /** Tells the listeners of this node, now or as soon as it may. Who looks for long looks into the database then. */
  private pass(...told: Told) {
    if (!this.held) return this.events.deliver(...told)
    this.held.push(told)
    if (this.held.length <= MOST_WAITING) return
    this.observer?.dropped(this.held.length)
    this.held = [['bus.missed', { nodeId: undefined }]]
  }

  private take(frame: Frame, now: number) {
    const isNews = !this.peers.any
    const isComplete = this.peers.hear(frame, now)
    const lag = this.peers.lagTo(this.node.id, frame, now)
    if (lag !== undefined) this.observer?.lag(lag)
    this.observer?.received(frame.told.length)
    // Two nodes that are new to each other need not wait for their next beats.
    if (isNews) this.beat()
    if (!isComplete) this.pass('bus.missed', { nodeId: frame.from })
    for (const told of frame.told) this.pass(...told)
    if (this.deafSince !== undefined) this.listenHard(now)
  }

  private follow(live: readonly string[]) {
    this.peers.follow(
      live.filter(id => id !== this.node.id),
      performance.now(),
    )
  }

  /** A connection can be dead without a sound; another one may not be. */
  private listenHard(now: number) {
    if (!this.peers.isDeaf(now)) {
      if (this.deafSince !== undefined) this.hearAgain()
      return
    }
    if (this.deafSince === undefined) logger.warn('the other nodes are not heard: going on without them')
    if (this.deafSince === undefined || now - this.deafSince > SILENT_MS) {
      this.deafSince = now
      this.transport?.reconnect()
    }
  }

  private hearAgain() {
    this.deafSince = undefined
    logger.info('the other nodes are heard again')
    this.pass('bus.missed', { nodeId: undefined })
  }
}
