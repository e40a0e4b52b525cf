import { randomInt } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Logger } from '@forinda/kickjs-core'
import type { Socket } from 'socket.io'
import { Encoder, PacketType } from 'socket.io-parser'
import type { CloseReason, WsObserver } from '../observer.js'
import { Backlog } from './backlog.js'
import { type Books, Outlet } from './outlet.js'
import type { Turn } from './turn.js'
import { cut, extendHeartbeat, pollOf, type Wire, wireOf } from './wire.js'

type Connection = Socket['conn']

/** What the readers of one server have in common. */
export interface Reading {
  /** A time in milliseconds that stands still while the process does. */
  now: number
  /** The most that one connection may have in the memory of this process. */
  readonly maxHeld: number
  readonly patienceMs: number
  readonly observer: WsObserver
  readonly turn: Turn
  /** There is something unread again: from now on `look` is to be called. */
  wake(reader: Reader): void
  socketsOf(connection: Connection): readonly Socket[]
  onLag(socket: Socket, isLagging: boolean): void
  onClose(connection: Connection): void
}

/** What Engine.IO sends, in text or bytes; Socket.IO encodes a broadcast but once, as a WebSocket frame. */
interface Packet {
  data?: string | { byteLength: number }
  options?: { wsPreEncodedFrame?: readonly { length: number }[] }
}

/** The confirmations are asked for with numbers below this: nobody guesses what he has not read. */
const QUESTIONS = 2 ** 47
/** A WebSocket library answers each ping by itself: so many answers may wait for who sends but does not read. */
const MOST_PONGS = 1_000
/** How long the reason for the end may take to arrive, in milliseconds. */
const FAREWELL_MS = 2_000
/** 1013 is "try again later"; the event is for those who speak Socket.IO only. */
const TRY_LATER = 1013
const SLOW = { code: 'SLOW_CONSUMER', message: 'You read too slowly: resume', retryAfterMs: 1_000 }

/** Those to `packetCreate` and `drain` that are here. */
const OWN_LISTENERS = 2

const logger = Logger.for('WsAdapter')
const encoder = new Encoder()

/** One connection as far as its client reads what it is sent; who does not is told, then cut off. */
export class Reader implements Books {
  readonly backlog: Backlog
  private readonly outlet: Outlet
  private wire: Wire | undefined
  /** The answer to the latest poll. */
  private poll: ServerResponse | undefined
  private pongs = 0
  private isLagging = false
  private isSlow = false
  private closeCode: number | undefined
  private held: (() => void)[] = []

  /** @param lane in which round it is looked at */
  constructor(
    private readonly connection: Connection,
    private readonly reading: Reading,
    readonly lane: number,
  ) {
    this.backlog = new Backlog(reading.patienceMs)
    this.outlet = new Outlet(connection, reading.turn, this)
    this.use(connection.transport)
    if (!this.wire) connection.on('upgrade', transport => this.use(transport))
    connection.on('packetCreate', (packet: Packet) => this.made(packet))
    connection.on('drain', () => this.handedOver())
    connection.on('close', (reason: string) => this.closed(reason))
  }

  /** Resolves when this process has little enough in memory for another answer; nothing when it has. */
  whenLight(): Promise<void> | undefined {
    if (!this.isFull || this.connection.readyState !== 'open') return
    return new Promise(resolve => this.held.push(resolve))
  }

  /** Resolves when all is with the transport, so that closing it loses nothing. */
  whenFlushed(): Promise<void> | undefined {
    if (!this.isWaiting || this.connection.readyState !== 'open') return
    return new Promise(resolve => this.connection.once('drain', resolve).once('close', resolve))
  }

  get isWaiting(): boolean {
    return this.backlog.isWaiting
  }

  get isWatched(): boolean {
    const { connection } = this
    return connection.listenerCount('packetCreate') + connection.listenerCount('drain') > OWN_LISTENERS
  }

  passed(bytes: number, count: number): void {
    const { backlog, reading } = this
    const isFirst = backlog.unconfirmed === 0
    backlog.pass(bytes, reading.now)
    reading.observer.sent?.(bytes, count)
    if (isFirst) reading.wake(this)
  }

  weigh(): void {
    this.askInTime()
    this.judge()
  }

  /** Whether there is nothing to look at. */
  get isIdle(): boolean {
    return this.backlog.unconfirmed === 0 || this.connection.readyState === 'closed'
  }

  look(): void {
    const { backlog, connection } = this
    if (backlog.isOverdue(this.reading.now)) {
      this.cutOff()
      return
    }
    // The heartbeat is a time limit for the same bytes, and knows nothing of how many they are.
    if (!backlog.isLight) extendHeartbeat(connection)
    this.weigh()
  }

  private use(transport: Connection['transport']): void {
    const { backlog, reading } = this
    // Who upgrades has read all that came before.
    backlog.taken()
    this.confirm(() => backlog.answerAll(reading.now))
    this.wire = wireOf(transport)
    this.outlet.use(this.wire)
    this.wire?.on('pong', payload => this.confirm(() => backlog.answer(Number(payload), reading.now)))
    this.wire?.on('ping', () => this.countPong())
    this.wire?.prependListener('close', (code: number) => {
      this.closeCode = code
    })
    transport.prependListener('ready', () => this.ready(transport))
  }

  /** @param reason what Engine.IO calls it */
  private closed(reason: string): void {
    this.release()
    this.reading.onClose(this.connection)
    this.reading.observer.closed?.(this.reasonFor(reason))
  }

  private reasonFor(reason: string): CloseReason {
    if (this.isSlow) return 'slow'
    if (reason === 'ping timeout') return 'ping timeout'
    if (reason === 'forced close') return 'server'
    const isClean = reason === 'transport close' && this.closeCode !== 1006
    return isClean ? 'client' : 'transport'
  }

  private made(packet: Packet): void {
    const { backlog, reading } = this
    const bytes = sizeOf(packet)
    const { held } = backlog
    const isFirst = backlog.unconfirmed === 0
    backlog.add(bytes, packet.options?.wsPreEncodedFrame !== undefined)
    reading.observer.sent?.(bytes, 1)
    if (isFirst) reading.wake(this)
    // One large packet alone is no fault of the reader.
    if (held > 0 && backlog.held > reading.maxHeld) this.cutOff()
    else this.judge()
  }

  private handedOver(): void {
    const { backlog, reading } = this
    backlog.handOver(reading.now)
    if (!this.wire) backlog.ask(0, reading.now)
    this.weigh()
    this.outlet.followed()
  }

  /** The kernel has all that the transport was given; or the next poll is here, so the last was read. */
  private ready(transport: Connection['transport']): void {
    if (transport !== this.connection.transport) return
    this.backlog.taken()
    this.pongs = 0
    if (!this.wire) {
      this.poll = pollOf(transport)
      this.confirm(() => this.backlog.answerAll(this.reading.now))
    }
    if (this.held.length > 0 && !this.isFull) this.release()
  }

  private confirm(note: () => void): void {
    note()
    if (this.isLagging && this.backlog.isLight) this.tellLag(false)
  }

  private askInTime(): void {
    const { wire, backlog, reading } = this
    if (!wire || !backlog.isToAsk(reading.now)) return
    const id = randomInt(QUESTIONS)
    backlog.ask(id, reading.now)
    wire.ping(id)
  }

  private countPong(): void {
    this.pongs = this.wire?.bufferedAmount === 0 ? 0 : this.pongs + 1
    if (this.pongs > MOST_PONGS) this.cutOff()
  }

  private judge(): void {
    if (!this.isLagging && this.backlog.isLagging(this.reading.now)) this.tellLag(true)
  }

  private tellLag(isLagging: boolean): void {
    this.isLagging = isLagging
    for (const socket of this.reading.socketsOf(this.connection)) this.reading.onLag(socket, isLagging)
  }

  private get isFull(): boolean {
    return this.backlog.held > this.reading.maxHeld / 2
  }

  private release(): void {
    for (const resolve of this.held.splice(0)) resolve()
  }

  /** What was not handed over is forgotten, the client told why, his connection closed for good. */
  private cutOff(): void {
    const { connection, wire, poll, backlog } = this
    if (this.isSlow || connection.readyState === 'closed') return
    this.isSlow = true
    const { remoteAddress } = connection
    const { unconfirmed, held } = backlog
    logger.warn({ remoteAddress, unconfirmed, held }, 'closing a connection that does not read')
    this.sayFarewell()
    wire?.close(TRY_LATER, SLOW.code)
    connection.close(true)
    const carrier = wire ?? poll
    if (!carrier) return
    const timer = setTimeout(() => isThere(carrier) && cut(carrier), FAREWELL_MS).unref()
    carrier.once('close', () => clearTimeout(timer))
  }

  /** Past Engine.IO's own queue, which ends with the connection. */
  private sayFarewell(): void {
    const { transport } = this.connection
    const packets = this.reading.socketsOf(this.connection).flatMap(({ nsp }) => {
      const event = { type: PacketType.EVENT, nsp: nsp.name, data: ['error', SLOW] }
      return encoder
        .encode(event)
        .map(data => ({ type: 'message' as const, data, options: { compress: false } }))
    })
    if (packets.length > 0 && (this.wire || transport.writable)) transport.send(packets)
  }
}

function sizeOf({ data, options }: Packet): number {
  const frame = options?.wsPreEncodedFrame
  if (frame) return (frame[0]?.length ?? 0) + (frame[1]?.length ?? 0)
  if (data === undefined) return 1
  return 1 + (typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength)
}

/** A response that has left is not the connection's: the next poll may be of somebody else's, behind a proxy. */
function isThere(carrier: Wire | ServerResponse): boolean {
  return !('writableFinished' in carrier) || !carrier.writableFinished
}
