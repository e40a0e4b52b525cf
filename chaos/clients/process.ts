import { setTimeout as delay } from 'node:timers/promises'
import { Histogram } from '../lab/histogram.js'
import { Random } from '../lab/random.js'
import { type Account, Ledger } from '../ledger/ledger.js'
import type { Truth } from '../ledger/truth.js'
import { Author } from './author.js'
import { compareViews } from './compare-views.js'
import { LabClient } from './lab-client.js'
import { Line } from './line.js'
import type { Comparison, Cuts, Opening, Orders, Reloads, Repeats, Talk, Times } from './orders.js'
import { Repeater } from './repeater.js'

/** How long whoever is asked for the end of its work waits for acks and for what is on its way. */
const PATIENCE_MS = 30_000
/** So many clients connect at a time. */
const OPENING_AT_A_TIME = 20
/** A part of the cuts hits a write just under way. */
const CUTS_AMID_A_WRITE = 0.25

/** The clients of one process, and what it is told to do with them. */
class Clients implements Orders {
  private readonly ledger = new Ledger()
  private clients: LabClient[] = []
  private authors: Author[] = []
  private random = new Random('')
  private talking: Talk | undefined
  private cutting: Cuts | undefined

  async open({ seed, origins, clients }: Opening): Promise<void> {
    this.random = new Random(seed)
    for (let n = 0; n < clients.length; n += OPENING_AT_A_TIME) {
      const opened = clients.slice(n, n + OPENING_AT_A_TIME).map(plan => {
        const random = this.random.stream(plan.name)
        const line = new Line(origins, random.stream('line'), plan.origin)
        const client = new LabClient(plan, line, random.stream('client'))
        this.authors.push(new Author(client, random.stream('author'), this.ledger))
        return client
      })
      this.clients.push(...opened)
      await Promise.all(opened.map(client => client.present()))
    }
  }

  talk(talk: Talk): void {
    this.talking = talk
    void this.keepTalking(talk)
  }

  cut(cuts: Cuts): void {
    this.cutting = cuts
    for (const [n, client] of this.clients.entries()) void this.keepCutting(cuts, client, this.authors[n])
  }

  spare(): void {
    this.cutting = undefined
    for (const { line } of this.clients) line.restore()
  }

  async hush(): Promise<Account> {
    this.talking = undefined
    await until(() => this.authors.every(author => author.isIdle))
    const { entries, acknowledged, refused } = this.ledger
    return { entries: [...entries.values()], acknowledged, refused }
  }

  async compare(truth: Truth): Promise<Comparison> {
    await until(() => this.clients.every(client => client.isPresent && hasReached(client, truth)))
    return compareViews(this.clients, truth)
  }

  async repeat({ sends, mostTries, discarded }: Repeats): Promise<number> {
    const repeaters = byName(this.clients).map(
      clients => new Repeater(clients, this.random.stream(`${clients[0]?.plan.name}/repeats`), this.ledger),
    )
    const share = Math.ceil(sends / repeaters.length)
    await Promise.all(repeaters.map(repeater => repeater.send(share, mostTries, discarded)))
    return repeaters.reduce((sum, { disagreements }) => sum + disagreements, 0)
  }

  times(): Times {
    const delays = new Histogram()
    for (const client of this.clients) delays.merge(client.delays.take())
    const acks = new Map<string, Histogram>()
    for (const [channelId, histogram] of this.authors.flatMap(author => [...author.acks]))
      acks.set(channelId, (acks.get(channelId) ?? new Histogram()).merge(histogram.take()))
    return { delays: delays.toJSON(), acks: [...acks].map(([id, histogram]) => [id, histogram.toJSON()]) }
  }

  async reload({ reloads, longestMs }: Reloads): Promise<void> {
    const random = this.random.stream('reloads')
    const chosen = this.clients.slice(0, reloads)
    await Promise.all(chosen.map(client => client.reload(random.between(0, longestMs), random.chance(0.5))))
  }

  vanish(): void {
    for (const { line } of this.clients) line.cut()
  }

  private async keepTalking(talk: Talk) {
    const random = this.random.stream('talk')
    while (this.talking === talk) {
      await delay(random.wait(1000 / talk.perSecond))
      if (this.talking === talk) void random.pick(this.authors).act(talk)
    }
  }

  private async keepCutting(cuts: Cuts, client: LabClient, author: Author | undefined) {
    const random = this.random.stream(`${client.plan.name}/cuts`)
    while (this.cutting === cuts) {
      await delay(random.between(0.5, 1.5) * cuts.everyMs)
      if (this.cutting !== cuts) return
      if (this.talking && author && random.chance(CUTS_AMID_A_WRITE)) {
        void author.act(this.talking)
        await delay(random.between(0, 15))
      }
      client.line.cut()
      await delay(random.between(0.5, 1.5) * cuts.awayMs)
      client.line.restore()
    }
  }
}

/** The sockets of each user. */
function byName(clients: readonly LabClient[]): LabClient[][] {
  const names = new Set(clients.map(({ plan }) => plan.name))
  return [...names].map(name => clients.filter(({ plan }) => plan.name === name))
}

function hasReached(client: LabClient, truth: Truth): boolean {
  return [...client.views].every(([id, { lastSeq }]) => lastSeq >= (truth[id]?.lastSeq ?? 0))
}

/** Waits until something holds; who asked judges what is then. */
async function until(holds: () => boolean): Promise<void> {
  const begun = Date.now()
  while (!holds() && Date.now() - begun < PATIENCE_MS) await delay(50)
}

type Carried = { [K in keyof Orders]: (...takes: Parameters<Orders[K]>) => ReturnType<Orders[K]> }
const clients: Carried = new Clients()

interface Order<K extends keyof Orders> {
  n: number
  order: K
  takes: Parameters<Orders[K]>
}

async function obey<K extends keyof Orders>({ n, order, takes }: Order<K>) {
  try {
    process.send?.({ n, result: await clients[order](...takes) })
  } catch (error) {
    process.send?.({ n, error: error instanceof Error ? error.message : String(error) })
  }
}

process.on('message', (order: Order<keyof Orders>) => void obey(order))
process.on('disconnect', () => process.exit(1))
