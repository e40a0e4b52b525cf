import { setTimeout as delay } from 'node:timers/promises'
import { Logger } from '@forinda/kickjs-core'
import { encodeEvent } from '@forinda/kickjs-http'
import type { Outbox } from '../../../realtime/outbox.js'
import type { Activity } from '../activity.contract.js'

export interface Reader {
  userId: string
  outbox: Outbox
}

/** Who, among some users, may see each of some activities: their ids by its sequence. */
export type Judge = (
  seqs: readonly number[],
  userIds: readonly string[],
) => Promise<ReadonlyMap<number, readonly string[]>>

interface Untold {
  activity: Activity
  /** Those who listened when it was its turn: who comes later knows of it already. */
  to: readonly Reader[]
}

/** How many activities are judged at a time. */
const PORTION = 100
/** Before another try where it cannot be found out who may hear, in milliseconds. */
const PAUSE_MS = 1_000

const logger = Logger.for('Audience')

/**
 * Those on this node who listen to the activity of a workspace. Each activity is for those alone who may
 * see it by the time it is told, and is told in its turn: nobody hears of a later one before it.
 */
export class Audience {
  private readers: readonly Reader[] = []
  private untold: Untold[] = []
  private isTelling = false

  constructor(private readonly judge: Judge) {}

  get size(): number {
    return this.readers.length
  }

  add(reader: Reader): void {
    this.readers = [...this.readers, reader]
  }

  remove(reader: Reader): void {
    this.readers = this.readers.filter(other => other !== reader)
  }

  tell(activity: Activity): void {
    if (this.readers.length === 0) return
    this.untold.push({ activity, to: this.readers })
    if (!this.isTelling) void this.tellAll()
  }

  private async tellAll() {
    this.isTelling = true
    while (this.untold.length > 0) {
      const portion = this.untold.splice(0, PORTION)
      if (await this.pass(portion)) continue
      this.untold.unshift(...portion)
      await delay(PAUSE_MS, undefined, { ref: false })
    }
    this.isTelling = false
  }

  /** False where it could not be found out who may hear; true as well where nobody is left to. */
  private async pass(portion: readonly Untold[]): Promise<boolean> {
    const open = portion.flatMap(({ to }) => to).filter(({ outbox }) => !outbox.closed)
    if (open.length === 0) return true
    try {
      const seqs = portion.map(({ activity }) => activity.seq)
      const readers = await this.judge(seqs, [...new Set(open.map(({ userId }) => userId))])
      for (const untold of portion) send(untold, new Set(readers.get(untold.activity.seq)))
      return true
    } catch (error) {
      logger.warn({ err: error }, 'who may hear of an activity could not be found out; trying again')
      return false
    }
  }
}

function send({ activity, to }: Untold, allowed: ReadonlySet<string>): void {
  if (allowed.size === 0) return
  const frame = frameOf(activity)
  for (const { userId, outbox } of to) if (allowed.has(userId)) outbox.push(frame)
}

/** An activity as an event, whose id is its sequence. */
export function frameOf(activity: Activity): Buffer {
  return encodeEvent(activity, 'activity', String(activity.seq))
}
