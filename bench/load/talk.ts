import { setTimeout as delay } from 'node:timers/promises'
import { type Spread, spread } from '../lab/quantiles.js'
import type { ThinSocket } from './thin-socket.js'

/** One client of a chat, in all its channels. */
export interface Member {
  socket: ThinSocket
  channelIds: string[]
  /** Which of several nodes it is at. */
  node: number
}

/** Sends by the first so many clients, each into its first channel. */
export interface Talk {
  senders: number
  ms: number
  /** Each sender has always so many sends under way. */
  inFlight?: number
  /** Instead: so many sends a second of all senders together, whatever becomes of them. */
  perSecond?: number
}

/** What came of it. Nothing is told unless every message reached everybody in its channel once, and in order. */
export interface Talked {
  /** All that was sent, since the sockets were opened. */
  acknowledged: number
  /** In the time measured. */
  acksPerSecond: number
  deliveriesPerSecond: number
  /** Which part of a core this process needed for it: near one, it is what was measured. */
  busy: number
  /** Milliseconds from sending to the ack. */
  acks: Spread
  /** Milliseconds from sending to hearing, as some listeners took them: at the sender's node, and at others. */
  near: Spread
  far: Spread
}

const PATIENCE_MS = 60_000
/** So many listeners of each node look into what they hear; all of them count. */
const LOOKING = 3
const CONTENT_LENGTH = 100
const FILLING = 'so that it is as long as what people write to each other, when they have something to say'
const CONTENT = Buffer.from('"content":"')
const SEQ = Buffer.from('"seq":')
/** Longer than any time and any number of a node. */
const STAMP_LENGTH = 32

/** Makes clients talk, and takes the time. */
export class Conversation {
  private readonly sent = new Map<string, number>()
  private acknowledged = 0
  private readonly refusals: string[] = []
  private readonly acks: number[] = []
  private readonly near: number[] = []
  private readonly far: number[] = []
  private disorder: string | undefined

  constructor(private readonly members: readonly Member[]) {
    for (const member of lookers(members)) this.look(member)
  }

  async talk(talk: Talk): Promise<Talked> {
    for (const values of [this.acks, this.near, this.far]) values.length = 0
    const before = this.counts()
    const cpu = process.cpuUsage()
    const begun = performance.now()
    if (talk.inFlight === undefined) await this.steadily(talk, begun)
    else await this.flatOut(talk, talk.inFlight, begun)
    const seconds = (performance.now() - begun) / 1000
    const after = this.counts()
    const { user, system } = process.cpuUsage(cpu)
    await this.drain()
    return {
      acknowledged: this.acknowledged,
      acksPerSecond: (after.acknowledged - before.acknowledged) / seconds,
      deliveriesPerSecond: (after.heard - before.heard) / seconds,
      busy: (user + system) / 1e6 / seconds,
      acks: spread(this.acks),
      near: spread(this.near),
      far: spread(this.far),
    }
  }

  private async flatOut({ senders, ms }: Talk, inFlight: number, begun: number) {
    const end = begun + ms
    const again = (member: Member): void => {
      if (performance.now() < end) this.send(member, () => again(member))
    }
    for (const member of this.members.slice(0, senders)) for (let n = 0; n < inFlight; n++) again(member)
    await delay(ms)
  }

  private async steadily({ senders, ms, perSecond = 1 }: Talk, begun: number) {
    for (let n = 0; n < (ms / 1000) * perSecond; ) {
      const due = ((performance.now() - begun) / 1000) * perSecond
      for (; n < due; n++) {
        const member = this.members[n % senders]
        if (member) this.send(member, () => {})
      }
      await delay(1)
    }
  }

  private send({ socket, channelIds: [channelId = ''], node }: Member, next: () => void) {
    this.sent.set(channelId, (this.sent.get(channelId) ?? 0) + 1)
    const sentAt = performance.now()
    const content = `${sentAt.toFixed(3)} ${node} ${FILLING}`.slice(0, CONTENT_LENGTH)
    socket.send('message:send', { channelId, content }, fault => {
      this.acks.push(performance.now() - sentAt)
      if (fault === undefined) this.acknowledged += 1
      else this.refusals.push(fault)
      next()
    })
  }

  /** Makes a client look at how long messages took, and whether they come in order. */
  private look({ socket, node }: Member) {
    let last: number | undefined
    socket.onMessage = (bytes, start) => {
      const at = bytes.indexOf(CONTENT, start) + CONTENT.length
      const [sentAt, from] = bytes.toString('latin1', at, at + STAMP_LENGTH).split(' ')
      const times = Number(from) === node ? this.near : this.far
      times.push(performance.now() - Number(sentAt))
      const seqAt = bytes.indexOf(SEQ, at) + SEQ.length
      const seq = Number.parseInt(bytes.toString('latin1', seqAt, seqAt + STAMP_LENGTH), 10)
      if (last !== undefined && seq !== last + 1) this.disorder ??= `${seq} after ${last}`
      last = seq
    }
  }

  /** Waits for what is still under way. @throws where something was lost, refused, doubled or out of order */
  private async drain() {
    const begun = performance.now()
    while (!this.isQuiet() && performance.now() - begun < PATIENCE_MS) await delay(5)
    const wrong = this.members.filter(member => member.socket.heard !== this.due(member))
    const sent = [...this.sent.values()].reduce((sum, count) => sum + count, 0)
    if (this.refusals[0] !== undefined)
      throw new Error(`${this.refusals.length} sends were refused: ${this.refusals[0]}`)
    if (this.acknowledged !== sent) throw new Error(`${this.acknowledged} acks for ${sent} sends`)
    if (wrong[0])
      throw new Error(
        `${wrong.length} listeners heard the wrong number: ${wrong[0].socket.heard} and not ${this.due(wrong[0])}`,
      )
    if (this.disorder !== undefined) throw new Error(`messages out of order: ${this.disorder}`)
  }

  private isQuiet(): boolean {
    const sent = [...this.sent.values()].reduce((sum, count) => sum + count, 0)
    return (
      this.acknowledged + this.refusals.length === sent &&
      this.members.every(member => member.socket.heard >= this.due(member))
    )
  }

  /** How much a client should have heard. */
  private due({ channelIds }: Member): number {
    return channelIds.reduce((sum, id) => sum + (this.sent.get(id) ?? 0), 0)
  }

  private counts() {
    const heard = this.members.reduce((sum, { socket }) => sum + socket.heard, 0)
    return { acknowledged: this.acknowledged, heard }
  }
}

/** The last clients of each node that are in one channel only, so that its order can be told. */
function lookers(members: readonly Member[]): Member[] {
  const nodes = [...new Set(members.map(({ node }) => node))]
  const single = members.filter(({ channelIds }) => channelIds.length === 1)
  return nodes.flatMap(node => single.filter(member => member.node === node).slice(-LOOKING))
}
