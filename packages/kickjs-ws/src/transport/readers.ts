import type { Socket } from 'socket.io'
import { Reader, type Reading } from './reader.js'
import { Turn } from './turn.js'

type Connection = Socket['conn']

/** Who has something unread is looked at once a round; a lane at a time, since looking may mean to ask. */
const LANES = 10
const LANE_MS = 100
/** The longest that may pass between two looks and still count: a process that stood still has not waited. */
const LONGEST_STEP_MS = 300

const followed = new WeakMap<Connection, Reader>()

/** What the client of a socket was sent and has not confirmed to have read, in bytes. Only of sockets of this process. */
export function backlogOf({ conn }: Pick<Socket, 'conn'>): number {
  return followed.get(conn)?.backlog.unconfirmed ?? 0
}

/** The readers of one server, on one timer that runs while any of them has something unread. */
export class Readers {
  private readonly reading: Reading
  private readonly all = new Map<Connection, Reader>()
  private readonly lanes = Array.from({ length: LANES }, () => new Set<Reader>())
  private followed = 0
  private turn = 0
  private timer: NodeJS.Timeout | undefined
  private lookedAt = 0

  constructor(reading: Omit<Reading, 'now' | 'turn' | 'wake'>) {
    this.reading = {
      ...reading,
      now: 0,
      turn: new Turn(),
      wake: reader => this.wake(reader),
      onClose: connection => {
        this.all.delete(connection)
        reading.onClose(connection)
      },
    }
  }

  get connections(): Connection[] {
    return [...this.all.keys()]
  }

  get counts(): { websocket: number; polling: number } {
    const polling = this.connections.filter(({ transport }) => transport.name === 'polling').length
    return { websocket: this.all.size - polling, polling }
  }

  /** What was sent and is not confirmed to be read, in bytes. */
  get backlogBytes(): number {
    let sum = 0
    for (const { backlog } of this.all.values()) sum += backlog.unconfirmed
    return sum
  }

  of(connection: Connection): Reader | undefined {
    return this.all.get(connection)
  }

  follow(connection: Connection): void {
    const reader = new Reader(connection, this.reading, this.followed++ % LANES)
    this.all.set(connection, reader)
    followed.set(connection, reader)
  }

  private wake(reader: Reader): void {
    this.lanes[reader.lane]?.add(reader)
    if (this.timer) return
    this.lookedAt = performance.now()
    this.timer = setInterval(() => this.lookAtNext(), LANE_MS).unref()
  }

  private lookAtNext(): void {
    const now = performance.now()
    this.reading.now += Math.min(now - this.lookedAt, LONGEST_STEP_MS)
    this.lookedAt = now
    const lane = this.lanes[this.turn++ % LANES] ?? new Set()
    for (const reader of lane) {
      if (reader.isIdle) lane.delete(reader)
      else reader.look()
    }
    if (this.lanes.some(({ size }) => size > 0)) return
    clearInterval(this.timer)
    this.timer = undefined
  }
}
