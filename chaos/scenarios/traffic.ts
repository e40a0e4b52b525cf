import type { Comparison, Talk } from '../clients/orders.js'
import { allOf, atMost, exactly, type Figure, none, told } from '../lab/figures.js'
import { Histogram } from '../lab/histogram.js'
import type { Site } from '../lab/lab.js'
import type { Place } from '../lab/people.js'
import { type Account, audit } from '../ledger/ledger.js'

export interface Crowd {
  clients: number
  channels: number
  /** A socket of each client on every node, instead of one on any of them. */
  onEachNode?: boolean
  /** All clients on this node. */
  node?: number
}

/** A crowd that reads along in each channel while some of it write, and what came of it. */
export class Traffic {
  private constructor(
    private readonly site: Site,
    readonly place: Place,
  ) {}

  /** Resolves once everybody is in all channels. */
  static async open(site: Site, { clients, channels, onEachNode = false, node }: Crowd): Promise<Traffic> {
    const place = await site.settle(channels)
    const people = await site.people.make(clients, place.workspaceId)
    const { channelIds } = place
    const plans = people.flatMap(({ name, token }) => {
      const plan = { name, token, channelIds, ...(node !== undefined && { origin: site.node(node).origin }) }
      return onEachNode ? site.origins.map(origin => ({ ...plan, origin })) : [plan]
    })
    await site.open(plans)
    return new Traffic(site, place)
  }

  async talk(talk: Talk): Promise<void> {
    await this.site.crew.all('talk', { ...talk, perSecond: talk.perSecond / this.site.crew.size })
  }

  /** Lets everything come to rest, and holds what was acknowledged, stored and shown against each other. */
  async finish(): Promise<{ figures: Figure[]; sums: Sums; backs: Histogram }> {
    const { site } = this
    await site.crew.all('spare')
    const accounts = await site.crew.all('hush')
    const truth = await site.truth(this.place.channelIds)
    const views = await site.crew.all('compare', truth)
    const differences = audit(accounts, truth)
    for (const sample of [...differences.slice(0, 5), ...views.flatMap(view => view.samples)])
      process.stderr.write(`  ${sample}\n`)
    const sums = sumsOf(views)
    const backs = merged(views.map(view => view.backs))
    const delays = merged(views.map(view => view.delays))
    const figures = [
      ...writes(accounts, differences.length),
      ...readings(sums),
      told('heard after p50 / p99 / max', quantiles(delays, 0.99)),
      told('connections lost', sums.losses),
      told('back after p50 / p95 / max', quantiles(backs, 0.95)),
      exactly('never back', sums.away, 0),
      exactly('nodes that crashed', crashes(site), 0),
    ]
    return { figures, sums, backs }
  }
}

const summed = ['expected', 'shown', 'doubles', 'disorders', 'holes', 'hidden', 'away', 'losses'] as const
type Sums = Record<(typeof summed)[number], number>

function sumsOf(views: readonly Comparison[]): Sums {
  const sums: Sums = {
    expected: 0,
    shown: 0,
    doubles: 0,
    disorders: 0,
    holes: 0,
    hidden: 0,
    away: 0,
    losses: 0,
  }
  for (const view of views) for (const key of summed) sums[key] += view[key]
  return sums
}

function writes(accounts: readonly Account[], differences: number): Figure[] {
  const refused = accounts.flatMap(account => Object.entries(account.refused))
  const open = accounts.flatMap(account => account.entries).filter(entry => entry.open)
  const acknowledged = accounts.reduce((sum, account) => sum + account.acknowledged, 0)
  return [
    told('writes acknowledged', acknowledged),
    ...none({ 'acknowledged and stored otherwise': differences, 'never acknowledged': open.length }),
    told('refused', refused.map(([code, count]) => `${code} ${count}`).join(' ') || 0),
  ]
}

function readings({ expected, shown, doubles, disorders, holes, hidden }: Sums): Figure[] {
  return [
    told('messages × clients', expected),
    allOf('shown as stored', shown, expected),
    ...none({ doubles, 'out of order': disorders }),
    told('holes heard', holes),
    ...none({ 'changes not heard live': hidden, 'silent holes': expected - shown }),
  ]
}

/** The bar for coming back: 95 of 100 within ten seconds. */
export function backInTime(backs: Histogram): Figure {
  return atMost('back within, p95', backs.quantile(0.95), 10_000, ' ms')
}

export function crashes({ nodes }: Site): number {
  return nodes.reduce((sum, node) => sum + node.crashes, 0)
}

export function merged(all: readonly [number, number][][]): Histogram {
  return all.reduce((sum, entries) => sum.merge(new Histogram(entries)), new Histogram())
}

function quantiles(values: Histogram, high: number): string {
  return `${[0.5, high, 1].map(share => values.quantile(share)).join(' / ')} ms`
}
