import { randomInt, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Events } from '../../src/events.js'
import { ChannelsService } from '../../src/modules/channels/channels.service.js'
import { ReadsService } from '../../src/modules/channels/reads.service.js'
import type { Message } from '../../src/modules/messages/messages.contract.js'
import { MessagesRepository } from '../../src/modules/messages/messages.repository.js'
import { MessagesService } from '../../src/modules/messages/messages.service.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'

// Two people with three devices are in some channels at once, each with its own row of random steps.
// After each step the badges of both, and of the devices that listen, are compared with a count by hand.

/** The full measure is 10,000: see docs/testing.md. */
const STEPS = Number(process.env.TEST_STEPS ?? 1_500)
const CHANNELS = 8
/** Given the seed of another run, this one takes the same steps. */
const seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 31))

const kinds = [
  'send',
  'send',
  'reply',
  'edit',
  'delete',
  'read',
  'read',
  'leave',
  'join',
  'enter',
  'quit',
] as const
const step = fc.record({
  kind: fc.constantFrom(...kinds),
  device: fc.nat(2),
  pick: fc.noBias(fc.nat(2 ** 30)),
  mentions: fc.boolean(),
})
interface Step {
  kind: (typeof kinds)[number]
  device: number
  pick: number
  mentions: boolean
}

let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben] = await registerAll(app.origin, 'Ann', 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
})
afterAll(() => app.stop())

/** What one device knows of a channel, by the rule that the protocol gives to clients. */
class Device {
  readonly known = new Map<string, Partial<Message>>()
  seq = 0
  mark = 0
  listens = true

  constructor(readonly user: TestUser) {}

  hear(message: Partial<Message> & Pick<Message, 'messageId' | 'seq'>) {
    this.known.set(message.messageId, { ...this.known.get(message.messageId), ...message })
    this.seq = message.seq
  }

  get badge() {
    return badge(this.known.values(), this.user.id, this.mark)
  }
}

type Said = Partial<Pick<Message, 'senderId' | 'position' | 'deletedAt' | 'mentions'>>

/** Counted by hand: what others said beyond the mark, and still stands. */
function badge(said: Iterable<Said>, reader: string, mark: number): string {
  let [unread, mentioning] = [0, 0]
  for (const { senderId, position = 0, deletedAt, mentions } of said) {
    if (deletedAt !== null || senderId === reader || position <= mark) continue
    unread += 1
    if (mentions?.includes(reader)) mentioning += 1
  }
  return `${unread} unread, ${mentioning} mentions`
}

/** A channel in which one step is taken after another, and what must have become of it. */
class Talk {
  readonly devices = [new Device(ann), new Device(ann), new Device(ben)]
  private readonly said = new Map<string, Said>()
  private last = 0
  private readonly marks = new Map<string, number>()
  private readonly members = new Set([ann.id])
  private readonly messages = app.container.resolve(MessagesService)
  private readonly channels = app.container.resolve(ChannelsService)
  private readonly reads = app.container.resolve(ReadsService)

  constructor(readonly channelId: string) {
    const events = app.container.resolve(Events)
    for (const name of ['message.created', 'message.edited', 'message.deleted', 'message.reacted'] as const)
      events.on(name, message => this.tell(message))
    events.on('channel.read', ({ userId, unread }) => {
      for (const device of this.devices)
        if (unread.channelId === channelId && device.user.id === userId) device.mark = unread.lastReadSeq
    })
  }

  async take({ kind, device: n, pick, mentions }: Step): Promise<void> {
    const device = this.devices[n] ?? new Device(ann)
    const { user } = device
    const other = user === ann ? ben : ann
    const content = mentions ? `@${other.user.username} look` : 'look'
    const mine = this.pick(pick, ({ senderId, deletedAt }) => deletedAt === null && senderId === user.id)
    switch (kind) {
      case 'send':
      case 'reply': {
        const parentId = kind === 'reply' ? this.pick(pick, () => true) : undefined
        const { channelId } = this
        const { messageId, position } = await this.messages.send(user, { channelId, content, parentId })
        expect(position).toBeGreaterThan(this.last)
        this.last = position
        this.said.set(messageId, {
          senderId: user.id,
          position,
          deletedAt: null,
          mentions: mentions ? [other.id] : [],
        })
        break
      }
      case 'edit':
        if (mine === undefined) break
        await this.messages.edit(user, mine, content)
        this.change(mine, { mentions: mentions ? [other.id] : [] })
        break
      case 'delete':
        if (mine === undefined) break
        await this.messages.delete(user, mine)
        this.change(mine, { deletedAt: 'now' })
        break
      case 'read': {
        const seq = mentions ? device.seq : pick % (device.seq + 1)
        await this.reads.read(user, this.channelId, seq)
        this.marks.set(user.id, Math.max(seq, this.marks.get(user.id) ?? 0))
        break
      }
      case 'leave':
        device.listens = false
        break
      case 'join':
        if (!device.listens) await this.comeBack(device)
        break
      case 'enter':
        if (!this.members.has(user.id)) await this.enter(user)
        break
      case 'quit':
        if (!this.members.delete(user.id)) break
        await this.channels.removeMember(user, this.channelId, user.id)
    }
  }

  async check() {
    for (const { user, seen } of await Promise.all([ann, ben].map(user => this.badgeOf(user)))) {
      const counted = badge(this.said.values(), user.id, this.marks.get(user.id) ?? 0)
      const own = this.devices.filter(device => device.user === user && device.listens)
      for (const shown of [seen, ...own.map(device => device.badge)])
        if (shown !== counted) throw new Error(`${user.email} is shown ${shown} instead of ${counted}`)
    }
  }

  private async badgeOf(user: TestUser) {
    const { unread, mentions } = await this.channels.seen(user, this.channelId)
    return { user, seen: `${unread} unread, ${mentions} mentions` }
  }

  private tell(message: Partial<Message> & Pick<Message, 'channelId' | 'messageId' | 'seq'>) {
    if (message.channelId !== this.channelId) return
    for (const device of this.devices) if (device.listens) device.hear(message)
  }

  private async comeBack(device: Device) {
    const { id, lastSeq } = await this.channels.seen(device.user, this.channelId)
    const told = await app.container.resolve(MessagesRepository).changes({ id, lastSeq }, device.seq)
    if ('reset' in told) return
    for (const message of told.changes) device.hear(message)
    device.seq = told.lastSeq
    device.listens = true
  }

  /** What was said before he became a member is not new to him, unless he has read here before. */
  private async enter(user: TestUser) {
    this.members.add(user.id)
    const { lastSeq } = await this.channels.seen(user, this.channelId)
    if (!this.marks.has(user.id)) this.marks.set(user.id, lastSeq)
    await this.channels.addMember(user, this.channelId, user.id)
    const { lastReadSeq } = await this.channels.seen(user, this.channelId)
    for (const device of this.devices) if (device.user === user) device.mark = lastReadSeq
  }

  private pick(pick: number, fits: (said: Said) => boolean): string | undefined {
    const fitting = [...this.said].filter(([, said]) => fits(said))
    return fitting[pick % fitting.length]?.[0]
  }

  private change(id: string, change: Partial<Said>) {
    const said = this.said.get(id)
    if (said) this.said.set(id, { ...said, ...change })
  }
}

async function talk(n: number) {
  const fields = { name: randomUUID(), type: 'public' }
  const { id } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, fields)
  const going = new Talk(id)
  const steps = fc.sample(step, { seed: seed + n, numRuns: STEPS / CHANNELS })
  for (const [done, next] of steps.entries()) {
    try {
      await going.take(next)
      await going.check()
    } catch (error) {
      const last = steps
        .slice(Math.max(0, done - 5), done + 1)
        .map(({ kind, device }) => `${kind} by ${device}`)
      throw new Error(`channel ${n}, step ${done} of TEST_SEED=${seed}: … ${last.join(', ')}`, {
        cause: error,
      })
    }
  }
}

test(
  `after each of ${STEPS} random steps the badges are what counting gives (seed ${seed})`,
  async () => {
    await Promise.all(Array.from({ length: CHANNELS }, (_, n) => talk(n)))
  },
  60_000 + STEPS * 60,
)
