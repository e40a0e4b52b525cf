import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { Ack, Joined } from '../../src/modules/chat/chat.contract.js'
import type { Message, MessageChanges } from '../../src/modules/messages/messages.contract.js'
import { Api } from '../../test/support/api.js'
import { Histogram } from '../lab/histogram.js'
import type { Random } from '../lab/random.js'
import { type Change, ChannelView, type Hole } from './channel-view.js'
import type { Line } from './line.js'
import type { ClientPlan } from './orders.js'

/** Errors after which the same may succeed. */
const PASSING = new Set(['DATABASE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'RATE_LIMITED'])
const ACK_LIMIT_MS = 15_000
const RETRY_MS = 500
/** What a renewal may take, in milliseconds. */
const RENEWAL_MS = 5_000

/** What the server said no to, for good. */
export class Refused extends Error {
  constructor(readonly code: string) {
    super(code)
  }
}

/** A client as the protocol tells to write one: it comes back by itself, resumes, and mends holes. */
export class LabClient {
  readonly views: Map<string, ChannelView>
  readonly backs = new Histogram()
  readonly delays = new Histogram()
  losses = 0
  renewals = 0
  private readonly socket: Socket
  private lostAt: number | undefined
  private ready = false
  private waiting: (() => void)[] = []
  private token: string
  private refreshToken: string | undefined

  constructor(
    readonly plan: ClientPlan,
    readonly line: Line,
    private readonly random: Random,
  ) {
    this.token = plan.token
    this.refreshToken = plan.refreshToken
    this.views = new Map(plan.channelIds.map(id => [id, new ChannelView()]))
    // engine.io-client hands an agent on to `ws` as it is, but declares it as text.
    const way: object = { agent: line }
    this.socket = io('http://vibed.lab/chat', {
      path: '/ws',
      auth: tell => tell({ token: this.token }),
      transports: ['websocket'],
      forceNew: true,
      ...way,
    })
    this.listen()
  }

  /** Resolves once it is in all its channels. */
  async present(): Promise<void> {
    if (!this.ready) await new Promise<void>(resolve => this.waiting.push(resolve))
  }

  get isPresent(): boolean {
    return this.ready
  }

  /** One try: the data of the ack. @throws Refused, or when the connection breaks before the ack */
  async ask<T>(event: string, payload: object): Promise<T> {
    // Otherwise socket.io-client would keep it and send it by itself, before the channels are joined.
    if (!this.socket.connected) throw new Error('not connected')
    const ack: Ack<T> = await this.socket.timeout(ACK_LIMIT_MS).emitWithAck(event, payload)
    if (ack.ok) return ack.data
    if (!PASSING.has(ack.error.code)) throw new Refused(ack.error.code)
    await delay(ack.error.retryAfterMs ?? RETRY_MS)
    throw new Error(ack.error.code)
  }

  /** The same event again and again until it is acknowledged. @throws Refused */
  async insist<T>(event: string, payload: object): Promise<T> {
    for (;;) {
      await this.present()
      try {
        return await this.ask<T>(event, payload)
      } catch (error) {
        if (error instanceof Refused) throw error
        await delay(50)
      }
    }
  }

  /** Sends and does not wait for an answer. */
  tell(event: string, payload: object): void {
    this.socket.emit(event, payload)
  }

  close(): void {
    this.socket.disconnect()
  }

  /** Leaves as a page does that is loaded again, with a word or without. */
  async reload(awayMs: number, isAbrupt: boolean): Promise<void> {
    if (isAbrupt) this.line.cut()
    this.socket.disconnect()
    await delay(awayMs)
    this.line.restore()
    this.socket.connect()
    await this.present()
  }

  private listen() {
    const { socket } = this
    socket.on('welcome', () => void this.resume())
    socket.on('disconnect', reason => {
      this.lost()
      if (reason === 'io server disconnect') this.comeBackLater()
    })
    // The namespace said no: socket.io-client tries again by itself only where the transport failed.
    socket.on('connect_error', () => socket.active || this.comeBackLater())
    socket.on('error', (error: { event?: string }) => {
      if (error.event === undefined) void this.knock()
    })
    socket.on(
      'auth:expiring',
      // A connection that broke meanwhile shows in the figures.
      ({ expiresAt }: { expiresAt: string }) => void this.renew(Date.parse(expiresAt)).catch(() => {}),
    )
    socket.on('message:new', (message: Message) => {
      this.delays.add(Date.now() - Number(message.content.split('@', 1)[0]))
      this.hear(message.channelId, { kind: 'new', ...message })
    })
    socket.on('message:edited', (edit: Omit<Change, 'kind'> & { channelId: string }) =>
      this.hear(edit.channelId, { ...edit, kind: 'edited' }),
    )
    socket.on('message:deleted', (deletion: { messageId: string; channelId: string; seq: number }) =>
      this.hear(deletion.channelId, { ...deletion, kind: 'deleted', content: '' }),
    )
  }

  private lost() {
    if (!this.ready) return
    this.ready = false
    this.losses += 1
    this.lostAt = Date.now()
  }

  private comeBackLater() {
    setTimeout(() => this.socket.connect(), RETRY_MS)
  }

  /** The door could not ask the database: the socket stays open for a while to try again. */
  private async knock() {
    const { id } = this.socket
    while (this.socket.id === id && this.socket.connected) {
      try {
        // Answered, and followed by the welcome.
        return await this.ask('auth', { token: this.token })
      } catch (error) {
        if (error instanceof Refused) return
        await delay(50)
      }
    }
  }

  /** At some moment while the old token is still good, as many clients at once would spread it. */
  private async renew(expiresAt: number) {
    const { refreshToken } = this
    if (refreshToken === undefined) return
    await delay(Math.max(0, (expiresAt - Date.now() - RENEWAL_MS) * this.random.next()))
    const signIn = await new Api(this.line.origin()).data('POST', '/auth/refresh', { refreshToken })
    this.token = signIn.accessToken
    this.refreshToken = signIn.refreshToken
    await this.insist('auth', { token: this.token })
    this.renewals += 1
  }

  private async resume() {
    const { id } = this.socket
    await Promise.all([...this.views].map(([channelId, view]) => this.rejoin(id, channelId, view)))
    if (this.socket.id !== id) return
    this.ready = true
    if (this.lostAt !== undefined) this.backs.add(Date.now() - Math.max(this.lostAt, this.line.upSince))
    this.lostAt = undefined
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  private async rejoin(id: string | undefined, channelId: string, view: ChannelView) {
    while (this.socket.id === id && this.socket.connected) {
      view.hold()
      try {
        const joined = await this.ask<Joined>('channel:join', { channelId, since: view.since })
        const holes = joined.reset
          ? view.reload(joined.lastSeq, await this.history(channelId))
          : view.enter(joined.lastSeq, joined.changes ?? [])
        for (const hole of holes) void this.mend(channelId, view, hole)
        return
      } catch {
        await delay(50)
      }
    }
  }

  private hear(channelId: string, change: Change) {
    const view = this.views.get(channelId)
    const hole = view?.hear(change)
    if (view && hole) void this.mend(channelId, view, hole)
  }

  private async mend(channelId: string, view: ChannelView, hole: Hole) {
    try {
      const told = await this.ask<MessageChanges>('channel:sync', { channelId, since: hole.since })
      view.mend(hole, 'reset' in told ? await this.history(channelId) : told.changes)
    } catch {
      // The connection is gone, or the hole stays open: the next join starts before it.
    }
  }

  private async history(channelId: string): Promise<Message[]> {
    const rows: Message[] = []
    for (let cursor = ''; ; ) {
      const path = `/channels/${channelId}/messages?sort=createdAt&limit=100${cursor && `&cursor=${cursor}`}`
      const { status, body } = await new Api(this.line.origin(), this.token).get(path)
      if (status !== 200) throw new Error(`${path}: ${status}`)
      rows.push(...body.data)
      if (body.meta.nextCursor === null) return rows
      cursor = encodeURIComponent(body.meta.nextCursor)
    }
  }
}
