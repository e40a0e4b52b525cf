import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { Api } from '../../test/support/api.js'
import { atMost, exactly, type Figure, told } from '../lab/figures.js'
import type { Site } from '../lab/lab.js'
import type { Person, Place } from '../lab/people.js'
import type { Scenario } from './scenario.js'
import { crashes } from './traffic.js'

const OFFLINE_LIMIT_MS = 30_000
const GHOST_LIMIT_MS = 60_000
/** Longer than the grace of a reload, and than it takes to tell the other nodes. */
const SETTLED_MS = 15_000

/** Users reload without a flicker, and vanish with their node without leaving a ghost. */
export const presence: Scenario = {
  name: 'presence',
  nodes: { skewMs: 30_000 },
  crews: 2,
  async run(site) {
    const [users, reloads] = site.small ? [40, 20] : [200, 100]
    const place = await site.settle(1)
    const people = await site.people.make(users, place.workspaceId)
    const observer = await Observer.open(site.node(0).origin, place)
    const begun = Date.now()
    const { channelIds } = place
    // Everybody on the node that will be killed.
    const { origin } = site.node(1)
    await site.open(people.map(({ name, token }) => ({ name, token, channelIds, origin })))
    const arrived = await observer.until('presence:online', users, begun + OFFLINE_LIMIT_MS)
    const figures = [exactly('users online, heard on the other node', arrived, users)]
    figures.push(...(await reload(site, observer, reloads)), ...(await vanish(site, observer, people)))
    observer.close()
    return [...figures, exactly('nodes that crashed', crashes(site), 0)]
  },
}

async function reload(site: Site, observer: Observer, reloads: number): Promise<Figure[]> {
  observer.forget()
  await site.crew.all('reload', { reloads: reloads / site.crew.size, longestMs: 8_000 })
  await delay(SETTLED_MS)
  return [told('reloads', reloads), exactly('flickers heard', observer.events.length, 0)]
}

async function vanish(site: Site, observer: Observer, people: readonly Person[]): Promise<Figure[]> {
  const users = people.length
  observer.forget()
  const killedAt = Date.now()
  site.node(1).kill()
  // They are gone with it, whatever comes up in its place.
  await site.crew.all('vanish')
  const gone = await observer.until('presence:offline', users, killedAt + GHOST_LIMIT_MS)
  const last = Math.max(0, ...observer.events.map(({ at }) => at - killedAt))
  if (!site.small) await delay(killedAt + GHOST_LIMIT_MS - Date.now())
  const ghosts = await observer.online(people)
  const distinct = new Set(observer.events.map(({ userId }) => userId)).size
  return [
    exactly('users heard to be offline', gone, users),
    exactly('told twice or wrongly', observer.events.length - distinct, 0),
    atMost(
      'the last one offline after',
      gone === users ? last : Number.POSITIVE_INFINITY,
      OFFLINE_LIMIT_MS,
      ' ms',
    ),
    exactly('ghosts in the list', ghosts.listed, 0),
    exactly('users online by the statistics', ghosts.counted, 1),
  ]
}

/** Somebody on the other node who shares the workspace. */
class Observer {
  events: { at: number; event: string; userId: string }[] = []

  private constructor(
    private readonly socket: Socket,
    private readonly api: Api,
    private readonly workspaceId: string,
    ownId: string,
  ) {
    for (const event of ['presence:online', 'presence:offline'])
      socket.on(event, ({ userId }: { userId: string }) => {
        if (userId !== ownId) this.events.push({ at: Date.now(), event, userId })
      })
  }

  static async open(origin: string, { owner, workspaceId }: Place): Promise<Observer> {
    const options = { path: '/ws', transports: ['websocket'], forceNew: true }
    const socket = io(`${origin}/chat`, { ...options, auth: { token: owner.accessToken } })
    await new Promise(resolve => socket.once('welcome', resolve))
    return new Observer(socket, new Api(origin, owner.accessToken), workspaceId, owner.id)
  }

  forget(): void {
    this.events = []
  }

  /** How many users an event was heard of, once it is all that are expected or the time is over. */
  async until(event: string, expected: number, deadline: number): Promise<number> {
    const count = () =>
      new Set(this.events.filter(heard => heard.event === event).map(({ userId }) => userId)).size
    while (count() < expected && Date.now() < deadline) await delay(100)
    return count()
  }

  /** How many of some people REST lists as online here, and how many the statistics count in all. */
  async online(people: readonly Person[]): Promise<{ listed: number; counted: number }> {
    const ids = new Set(people.map(({ id }) => id))
    const list: { userId: string }[] = await this.api.data('GET', `/workspaces/${this.workspaceId}/presence`)
    const { onlineUsersCount } = await this.api.data('GET', `/workspaces/${this.workspaceId}/stats`)
    return { listed: list.filter(({ userId }) => ids.has(userId)).length, counted: Number(onlineUsersCount) }
  }

  close(): void {
    this.socket.disconnect()
  }
}
