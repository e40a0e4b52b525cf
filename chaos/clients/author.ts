import { Histogram } from '../lab/histogram.js'
import type { Random } from '../lab/random.js'
import type { Entry, Ledger } from '../ledger/ledger.js'
import { type LabClient, Refused } from './lab-client.js'
import type { Talk } from './orders.js'

/** Writes by one client, each retried until it is acknowledged and noted in the ledger. */
export class Author {
  /** How long acks took, by channel. */
  readonly acks = new Map<string, Histogram>()
  private readonly settled: Entry[] = []
  private written = 0
  private underWay = 0

  constructor(
    private readonly client: LabClient,
    private readonly random: Random,
    private readonly ledger: Ledger,
  ) {}

  get isIdle(): boolean {
    return this.underWay === 0
  }

  /** A send, an edit or a deletion, whichever comes up. Nothing is edited while another write of it is open. */
  async act({ edits, deletes, padding = 0 }: Talk): Promise<void> {
    this.underWay += 1
    const lot = this.random.next()
    const entry = lot < edits + deletes ? this.take() : undefined
    if (entry && lot < deletes) await this.delete(entry)
    else if (entry) await this.edit(entry, padding)
    else await this.send(padding)
    this.underWay -= 1
  }

  private async send(padding: number) {
    const channelId = this.random.pick(this.client.plan.channelIds)
    const id = this.random.uuid()
    const content = this.content(padding)
    const entry = this.ledger.send(id, channelId, content)
    await this.carry(entry, 'message:send', { channelId, id, content })
    if (entry.content !== undefined) this.settled.push(entry)
  }

  private async edit(entry: Entry, padding: number) {
    const content = this.content(padding)
    entry.open = { content }
    await this.carry(entry, 'message:edit', { messageId: entry.id, content })
    this.settled.push(entry)
  }

  private async delete(entry: Entry) {
    entry.open = { deleted: true }
    await this.carry(entry, 'message:delete', { messageId: entry.id })
  }

  private async carry(entry: Entry, event: string, payload: object) {
    const begun = Date.now()
    try {
      await this.client.insist(event, payload)
      this.ledger.acknowledge(entry)
      const acks = this.acks.get(entry.channelId) ?? new Histogram()
      this.acks.set(entry.channelId, acks)
      acks.add(Date.now() - begun)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.ledger.refuse(entry, error.code)
    }
  }

  private take(): Entry | undefined {
    return this.settled.splice(this.random.below(this.settled.length), 1)[0]
  }

  /** Begins with the moment, by which the hearers know how long it took. */
  private content(padding: number): string {
    this.written += 1
    return `${Date.now()}@${this.client.plan.name} says ${this.written} `.padEnd(padding, '.').trim()
  }
}
