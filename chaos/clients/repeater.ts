import { setTimeout as delay } from 'node:timers/promises'
import type { Message } from '../../src/modules/messages/messages.contract.js'
import type { Random } from '../lab/random.js'
import type { Ledger } from '../ledger/ledger.js'
import type { LabClient } from './lab-client.js'

/** Messages of one user that are under way at a time. */
const AT_A_TIME = 10

/** One user with a socket on each node, who sends everything several times. */
export class Repeater {
  /** Acks that told another message than the acks before. */
  disagreements = 0

  constructor(
    private readonly sockets: readonly LabClient[],
    private readonly random: Random,
    private readonly ledger: Ledger,
  ) {}

  async send(count: number, mostTries: number, discarded: number): Promise<void> {
    let left = count
    const lane = async () => {
      for (; left > 0; ) {
        left -= 1
        await this.sendOne(left, mostTries, discarded)
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  }

  private async sendOne(n: number, mostTries: number, discarded: number) {
    const id = this.random.uuid()
    const { plan } = this.random.pick(this.sockets)
    const content = `${Date.now()}@${plan.name} says ${n} again`
    const payload = { channelId: this.random.pick(plan.channelIds), id, content }
    const entry = this.ledger.send(id, payload.channelId, content)
    const answers = Array.from({ length: 1 + this.random.below(mostTries) }, async (_, attempt) => {
      const socket = this.random.pick(this.sockets)
      // Somebody has to know in the end: the first ack is always waited for.
      const isHeard = attempt === 0 || !this.random.chance(discarded)
      await delay(this.random.between(0, 50))
      const answer = socket.insist<Message>('message:send', payload)
      return isHeard ? [await answer] : []
    })
    const told = (await Promise.all(answers)).flat()
    this.ledger.acknowledge(entry)
    if (new Set(told.map(({ position, seq }) => `${position} ${seq}`)).size !== 1) this.disagreements += 1
  }
}
