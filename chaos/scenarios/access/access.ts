import { setTimeout as delay } from 'node:timers/promises'
import { Api } from '../../../test/support/api.js'
import { atMost, exactly, type Figure } from '../../lab/figures.js'
import type { Site } from '../../lab/lab.js'
import { openChannel, type Person } from '../../lab/people.js'
import type { Scenario } from '../scenario.js'
import { crashes } from '../traffic.js'
import { renewal } from './renewal.js'
import { type Scene, type Way, ways } from './ways.js'
import { Witness } from './witness.js'

/** Where access is lost, seen from the victim's node, and how long what is lost may still come. */
interface Distance {
  name: string
  node: number
  limitMs: number
  isBusDown: boolean
}

const distances: readonly Distance[] = [
  { name: 'same node', node: 0, limitMs: 1_000, isBusDown: false },
  { name: 'other node', node: 1, limitMs: 2_000, isBusDown: false },
  { name: 'bus down', node: 1, limitMs: 10_000, isBusDown: true },
]

/** Between two messages that the victim must not hear. */
const CHATTER_MS = 200
/** How long it is watched after the limit that nothing comes. */
const WATCH_MS = 2_000

/** Each way of losing access, near and far and with the bus down: nothing foreign is heard, nothing accepted. */
export const access: Scenario = {
  name: 'access',
  nodes: { env: { JWT_ACCESS_EXPIRES_IN: '100s' } },
  crews: 2,
  async run(site) {
    const owner = await site.people.operator()
    const figures: Figure[] = []
    for (const distance of distances) figures.push(...(await loseAll(site, owner, distance)))
    return [...figures, ...(await renewal(site)), exactly('nodes that crashed', crashes(site), 0)]
  },
}

async function loseAll(site: Site, owner: Person, distance: Distance): Promise<Figure[]> {
  const plays = await Promise.all(ways.map(way => prepare(site, owner, way)))
  if (distance.isBusDown) site.bus.shut()
  const found = await Promise.all(plays.map(play => carryOut(site, owner, play, distance)))
  site.bus.open()
  for (const { way, breaches } of found)
    if (breaches.length > 0) process.stderr.write(`  ${way}, ${distance.name}: ${breaches.join(', ')}\n`)
  const count = (kind: string) =>
    found.reduce((sum, { breaches }) => sum + breaches.filter(breach => breach.startsWith(kind)).length, 0)
  const slowest = Math.max(...found.map(({ lastMs }) => lastMs))
  return [
    atMost(`${distance.name}: last foreign event after`, slowest, distance.limitMs, ' ms'),
    exactly(`${distance.name}: foreign events later`, count('heard'), 0),
    exactly(`${distance.name}: streams not ended`, count('stream'), 0),
    exactly(`${distance.name}: actions accepted`, count('accepted'), 0),
  ]
}

interface Play {
  way: Way
  scene: Scene
  witness: Witness
}

/** A workspace of its own for each way, with the victim in its channel at the first node. */
async function prepare(site: Site, owner: Person, way: Way): Promise<Play> {
  const api = new Api(site.node(0).origin, owner.token)
  const { id } = await api.data('POST', '/workspaces', { name: 'Lab' })
  const workspaceId = String(id)
  const channelId = await openChannel(api, workspaceId, 'general', way.isPrivate ? 'private' : 'public')
  const [person] = await site.people.make(1, workspaceId)
  if (!person) throw new Error('nobody was made')
  if (way.isPrivate) await api.data('POST', `/channels/${channelId}/members`, { userId: person.id })
  const victim = { ...person, token: site.people.token(person, way.tokenSeconds) }
  const scene = { victim, workspaceId, channelId }
  const witness = new Witness(site.node(0).origin, scene, way)
  await witness.open()
  return { way, scene, witness }
}

/** Takes the access away amid a conversation, and tells all that the victim got in spite of it. */
async function carryOut(site: Site, owner: Person, { way, scene, witness }: Play, distance: Distance) {
  const there = site.node(distance.node).origin
  const chatter = setInterval(() => void talk(site, owner, scene), CHATTER_MS)
  try {
    await delay(500)
    await way.lose(scene, new Api(there, owner.token), new Api(there, scene.victim.token), site.people)
    const lostAt = Date.now()
    await delay(distance.limitMs)
    const isStreamOpen = witness.isStreamOpen()
    await delay(WATCH_MS)
    const breaches = [
      ...witness.foreign(lostAt + distance.limitMs).map(event => `heard ${event}`),
      ...(isStreamOpen ? ['stream still open'] : []),
      ...(await witness.accepted(site.origins)).map(action => `accepted ${action}`),
    ]
    return { way: way.name, breaches, lastMs: witness.lastAfter(lostAt) }
  } finally {
    clearInterval(chatter)
  }
}

/** A message, and something that shows in the statistics; both fail once the place is gone. */
async function talk(site: Site, owner: Person, { workspaceId, channelId }: Scene) {
  const api = new Api(site.random.pick(site.origins), owner.token)
  const name = `c${site.random.uuid()}`
  await Promise.allSettled([
    api.post(`/channels/${channelId}/messages`, { content: 'not for everybody' }),
    api.post(`/workspaces/${workspaceId}/channels`, { name, type: 'private' }),
  ])
}
