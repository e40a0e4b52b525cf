import { Api } from '../../../test/support/api.js'
import { atMost, exactly, type Figure, none, told } from '../../lab/figures.js'
import type { Site } from '../../lab/lab.js'
import type { Place } from '../../lab/people.js'
import type { Random } from '../../lab/random.js'
import type { Scenario } from '../scenario.js'
import { crashes } from '../traffic.js'
import { type Attack, bytes, frames, polling, request, type Target } from './attacks.js'
import { conversation } from './conversation.js'

const LANES = 24
/** As much again that is not measured: caches and pools fill up, and code is compiled. */
const WARM_UP = 1
const GROWTH_MB = 5

/** Where it works at once, and the attackers would be nobody from then on. */
const SUICIDAL = /(logout-all|leave)$/

/** How often each kind of attack is made; most are requests, as there are most ways to do them wrong. */
const kinds: readonly ((target: Target, random: Random) => Promise<Attack>)[] = [
  ...Array<typeof request>(12).fill(request),
  bytes,
  bytes,
  polling,
  frames,
  frames,
  conversation,
]

/** Everything that nobody should ever send: no crash, no 5xx, no error in the log, no memory that stays. */
export const fuzz: Scenario = {
  name: 'fuzz',
  nodes: {},
  crews: 0,
  async run(site) {
    const wanted = site.small ? 5_000 : 100_000
    const targets = await aim(site)
    const tally = new Tally()
    await attack(targets, tally, site.random.stream('warm'), wanted * WARM_UP)
    const before = await heapMegabytes(site)
    await attack(targets, tally, site.random.stream('attack'), wanted)
    const grown = (await heapMegabytes(site)) - before
    const errors = site.nodes.flatMap(node => node.errors)
    return [
      ...tally.figures(),
      ...none({ 'nodes that crashed': crashes(site), 'errors logged': errors.length }),
      atMost('heap grown after a forced collection', grown, GROWTH_MB, ' MB'),
      exactly('nodes that still serve', await serving(site), site.nodes.length),
    ]
  },
}

class Tally {
  sent = 0
  private silent = 0
  private dropped = 0
  private readonly statuses = new Map<number, number>()

  add({ sent, statuses, silent = 0 }: Attack): void {
    this.sent += sent
    this.silent += silent
    for (const status of statuses) this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
  }

  /** The attack itself ended with an error: its connection was closed. */
  drop(): void {
    this.sent += 1
    this.dropped += 1
  }

  figures(): Figure[] {
    const sorted = [...this.statuses].sort(([a], [b]) => a - b)
    const failed = sorted.filter(([status]) => status >= 500).reduce((sum, [, count]) => sum + count, 0)
    return [
      told('frames and requests', this.sent),
      told('statuses', sorted.map(([status, count]) => `${status}×${count}`).join(' ')),
      told('closed without an answer', this.dropped),
      ...none({ 'answers 5xx': failed, 'events without an answer': this.silent }),
    ]
  }
}

/** Somebody to be, and something to be found, on each node. */
async function aim(site: Site): Promise<Target[]> {
  const place = await site.settle(1)
  const people = await site.people.make(200, place.workspaceId)
  const known = { tokens: people.map(({ token }) => token), ids: await idsIn(place) }
  const response = await fetch(`${site.node(0).origin}/openapi.json`)
  const { paths }: { paths: Record<string, object> } = JSON.parse(await response.text())
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method): [string, string] => [method.toUpperCase(), path]),
  )
  const harmless = routes.filter(([, path]) => !SUICIDAL.test(path))
  return site.origins.map(origin => ({ origin, port: Number(new URL(origin).port), known, routes: harmless }))
}

async function idsIn({ owner, workspaceId, channelIds }: Place): Promise<Record<string, string>> {
  const [channelId = ''] = channelIds
  const project = await owner.api.data('POST', `/workspaces/${workspaceId}/projects`, {
    name: 'Lab',
    key: 'LAB',
  })
  const task = await owner.api.data('POST', `/projects/${project.id}/tasks`, { title: 'A task' })
  const message = await owner.api.data('POST', `/channels/${channelId}/messages`, { content: 'hello' })
  return {
    workspaceId,
    channelId,
    projectId: String(project.id),
    taskId: String(task.id),
    messageId: String(message.messageId),
    userId: owner.id,
  }
}

async function attack(
  targets: readonly Target[],
  tally: Tally,
  random: Random,
  wanted: number,
): Promise<void> {
  const end = tally.sent + wanted
  const lane = async (own: Random) => {
    while (tally.sent < end) {
      try {
        tally.add(await own.pick(kinds)(own.pick(targets), own))
      } catch {
        tally.drop()
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, n) => lane(random.stream(n))))
}

async function heapMegabytes({ nodes }: Site): Promise<number> {
  const memories = await Promise.all(nodes.map(node => node.memory()))
  return Math.max(...memories.map(({ heapUsed }) => heapUsed)) / 2 ** 20
}

/** How many nodes still let somebody in and give him what he wants. */
async function serving(site: Site): Promise<number> {
  const [person] = await site.people.make(1)
  const answers = await Promise.all(
    site.origins.map(origin => new Api(origin, person?.token).get('/users/me').catch(() => undefined)),
  )
  return answers.filter(answer => answer?.status === 200).length
}
