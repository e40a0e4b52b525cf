import { setTimeout as delay } from 'node:timers/promises'
import { obey } from '../lab/load.js'
import { EventListener, type HeardEvent } from './event-listener.js'

/** Streams that are opened, and closed, together. */
export interface StreamGroup {
  name: string
  origin: string
  streams: readonly { path: string; token: string }[]
}

/** An event that all streams of a group have heard. */
export interface Broadcast {
  /** By the server's word, in milliseconds since 1970. */
  sentAt: number
  /** When the last of them had it. */
  lastAt: number
}

/** Requests that change things, at an even pace. Each has its bodies in turns, whoever asked for the last one. */
export interface Changes {
  origin: string
  token: string
  requests: readonly { method: string; path: string; bodies: readonly object[] }[]
  count: number
  perSecond: number
  /** The group of which the stream with a request's number hears of its change. */
  group?: string
}

export interface StreamOrders {
  /** Resolves once each has heard its first event. */
  open(group: StreamGroup): Promise<void>
  /** Forgets what the group has heard. */
  forget(name: string): void
  /** The first event since then that all of them have heard, as soon as there is one. */
  broadcast(name: string): Promise<Broadcast>
  /** Resolves with how long each change was on its way until its listener heard of it, in milliseconds. */
  change(changes: Changes): Promise<number[]>
  close(name: string): void
}

const OPENING_AT_ONCE = 20
const PATIENCE_MS = 10_000

interface Hearing {
  count: number
  lastAt: number
}

/** What a group hears: how many of its streams have heard each event. */
class Group {
  private readonly listeners: EventListener[] = []
  private readonly events = new Map<number, Hearing>()
  private readonly waiting = new Set<() => void>()
  private readonly firsts = new Set<number>()
  private readonly expecting = new Map<number, (event: HeardEvent) => void>()
  private error: Error | undefined

  constructor(private readonly plan: StreamGroup) {}

  async open(): Promise<void> {
    const { origin, streams } = this.plan
    for (const [n, stream] of streams.entries()) {
      await this.until(() => this.firsts.size > n - OPENING_AT_ONCE)
      const listener = new EventListener(
        origin,
        stream,
        event => this.hear(n, event),
        error => {
          this.error = error
          this.wake()
        },
      )
      this.listeners.push(listener)
    }
    await this.until(() => this.firsts.size === streams.length)
  }

  forget(): void {
    this.events.clear()
  }

  async broadcast(): Promise<Broadcast> {
    const whole = () => [...this.events].find(([, { count }]) => count === this.listeners.length)
    await this.until(() => whole() !== undefined)
    const [sentAt, hearing] = whole() ?? [0, { lastAt: 0 }]
    return { sentAt, lastAt: hearing.lastAt }
  }

  /** The next event of one stream that was sent at `since` or later. */
  next(n: number, since: number): Promise<HeardEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`stream ${n} hears nothing`)), PATIENCE_MS)
      this.expecting.set(n, event => {
        if (event.sentAt < since) return
        clearTimeout(timer)
        this.expecting.delete(n)
        resolve(event)
      })
    })
  }

  close(): void {
    for (const listener of this.listeners) listener.close()
  }

  private hear(n: number, event: HeardEvent) {
    this.firsts.add(n)
    const hearing = this.events.get(event.sentAt) ?? { count: 0, lastAt: 0 }
    hearing.count += 1
    hearing.lastAt = event.heardAt
    this.events.set(event.sentAt, hearing)
    this.expecting.get(n)?.(event)
    if (this.waiting.size > 0) this.wake()
  }

  private wake() {
    for (const look of this.waiting) look()
  }

  private until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer)
        this.waiting.delete(look)
        settle()
      }
      const look = () => {
        const { error } = this
        if (error) done(() => reject(error))
        else if (isSo()) done(resolve)
      }
      const timer = setTimeout(
        () => done(() => reject(new Error(`the streams of ${this.plan.name} hear nothing`))),
        PATIENCE_MS,
      )
      this.waiting.add(look)
      look()
    })
  }
}

const groups = new Map<string, Group>()
const changed = new Map<string, number>()

obey<StreamOrders>({
  async open(plan) {
    const group = new Group(plan)
    groups.set(plan.name, group)
    await group.open()
  },
  forget: name => named(name).forget(),
  broadcast: name => named(name).broadcast(),
  async change({ origin, token, requests, count, perSecond, group }) {
    const delays: Promise<number>[] = []
    const begun = performance.now()
    for (let n = 0; n < count; n++) {
      await delay(Math.max(0, begun + (n * 1_000) / perSecond - performance.now()))
      const turn = n % requests.length
      const request = requests[turn]
      if (!request) break
      const body = bodyOf(request)
      const sentAt = performance.timeOrigin + performance.now()
      const heard = group === undefined ? undefined : named(group).next(turn, Math.floor(sentAt))
      const answered = send(`${origin}${request.path}`, request.method, token, body)
      delays.push(answered.then(async at => ((await heard)?.heardAt ?? at) - sentAt))
    }
    return Promise.all(delays)
  },
  close(name) {
    named(name).close()
    groups.delete(name)
  },
})

function named(name: string): Group {
  const group = groups.get(name)
  if (!group) throw new Error(`There are no streams ${name}`)
  return group
}

function bodyOf({ path, bodies }: Changes['requests'][number]): object | undefined {
  const turn = changed.get(path) ?? 0
  changed.set(path, turn + 1)
  return bodies[turn % bodies.length]
}

async function send(url: string, method: string, token: string, body: unknown): Promise<number> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.text()
  if (response.status >= 300) throw new Error(`${method} ${url}: ${answer}`)
  return performance.timeOrigin + performance.now()
}
