import { Autowired, HttpException, Logger, PostConstruct, Service } from '@forinda/kickjs-core'
import type { EventStream, RequestContext, StreamEnd } from '@forinda/kickjs-http'
import { v7 } from 'uuid'
import { Access } from '../access/access.js'
import { Events } from '../events.js'
import { ConnectionCounts } from '../http/limits/connection-counts.js'
import type { Principal } from '../http/principal.js'
import { Metrics } from '../metrics/metrics.js'
import { LiveSessions } from '../modules/auth/sessions/live-sessions.js'
import { SessionWatch } from '../modules/auth/sessions/session-watch.js'

/** What a stream shows something of, and with whose end it ends. */
export interface Place {
  workspaceId?: string
  projectId?: string
}

/** An open stream, as those who run the server may look at it. */
export interface OpenStream {
  readonly id: string
  readonly user: Principal
  /** Without its query, which may hold a ticket. */
  readonly path: string
  readonly address: string
  /** In milliseconds since 1970. */
  readonly openedAt: number
  /** What waits for its client to read it. */
  readonly backlogBytes: number
}

interface LiveStream extends OpenStream {
  stream: EventStream
  place: Place
  authorise(): Promise<Place>
}

type Context = RequestContext<unknown, unknown, unknown>

/** Why the server ends a stream. */
type Reason = 'expired' | 'revoked' | 'no-access' | 'unsure' | 'operator'

/** How long a browser waits before it opens a broken stream again, in milliseconds. */
const RETRY_MS = 3_000
/** How often streams are looked over for those whose credential has ended, in milliseconds. */
const SWEEP_MS = 500

const logger = Logger.for('LiveStreams')

/** The open streams of this node: each is closed as soon as its user may not hear it any more. */
@Service()
export class LiveStreams {
  @Autowired(Events) private events!: Events
  @Autowired(Access) private access!: Access
  @Autowired(LiveSessions) private sessions!: LiveSessions
  @Autowired(SessionWatch) private watch!: SessionWatch
  @Autowired(ConnectionCounts) private counts!: ConnectionCounts
  @Autowired(Metrics) private metrics!: Metrics
  private readonly live = new Set<LiveStream>()
  private sweeper: NodeJS.Timeout | undefined
  /** Grows whenever anybody may have lost access: who opened a stream meanwhile is looked at again. */
  private losses = 0

  @PostConstruct()
  follow(): void {
    const { events, metrics } = this
    metrics.gauge('connections', 'Open connections', () => this.live.size, { kind: 'stream' })
    metrics.gauge('queue_bytes', 'Bytes that wait for clients to read them', () => this.backlogBytes, {
      kind: 'stream',
    })
    this.watch.add(() => [...this.live].map(({ user }) => user.sessionId))
    events.on('session.revoked', ({ sessionId }) =>
      this.closeWhere('revoked', ({ user }) => user.sessionId === sessionId),
    )
    events.on('workspace.deleted', ({ workspaceId }) =>
      this.closeWhere('no-access', ({ place }) => place.workspaceId === workspaceId),
    )
    events.on('project.deleted', ({ projectId }) =>
      this.closeWhere('no-access', ({ place }) => place.projectId === projectId),
    )
    events.on('member.removed', membership => this.closeWhere('no-access', isOf(membership)))
    events.on('member.role_changed', membership => this.recheckWhere(isOf(membership)))
    events.on('project.member_removed', membership => this.recheckWhere(isOf(membership)))
    events.on('access.doubted', () => this.recheckAll().catch(tellOfDoubt))
  }

  /** How many streams are open. */
  get size(): number {
    return this.live.size
  }

  /** All that are open. */
  all(): Iterable<OpenStream> {
    return this.live
  }

  /**
   * Answers with a stream once `authorise` has let the user in; it tells what the stream belongs to,
   * and is asked again when that may have changed. Errors, before the stream: what `authorise`
   * throws, and RATE_LIMITED for whoever has too many connections open.
   */
  async open(ctx: Context, authorise: () => Promise<Place>): Promise<EventStream> {
    const { user } = ctx
    const before = this.losses
    const place = await authorise()
    const release = this.counts.take({ userId: user.id, address: ctx.req.ip })
    const live = liveStream(ctx, place, authorise)
    live.stream.onClose(release)
    this.add(live)
    // What happened until here was not told to this stream.
    await this.keepIf(live, async () => {
      await this.sessions.live(user.sessionId)
      if (before !== this.losses) await authorise()
    })
    return live.stream
  }

  /** Feeds a stream that has been opened. Where that fails the stream ends: whoever still may comes again. */
  async feed(stream: EventStream, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      stream.close()
      if (!(error instanceof HttpException)) throw error
    }
  }

  /** Closes the streams whose credential has ended by `now`. */
  sweep(now: number): void {
    for (const live of this.live) if (live.user.expiresAt <= now) this.close(live, 'expired')
  }

  /** Closes one by its id, if it is of this node. */
  closeById(id: string): boolean {
    const live = [...this.live].find(stream => stream.id === id)
    if (live) this.close(live, 'operator')
    return live !== undefined
  }

  private get backlogBytes(): number {
    let bytes = 0
    for (const live of this.live) bytes += live.backlogBytes
    return bytes
  }

  private add(live: LiveStream) {
    this.live.add(live)
    this.sweeper ??= setInterval(() => this.sweep(Date.now()), SWEEP_MS).unref()
    live.stream.onClose(end => this.remove(live, end))
  }

  private close({ stream }: LiveStream, reason: Reason) {
    if (!stream.closed) this.metrics.closed(reason)
    stream.close()
  }

  private remove(live: LiveStream, end: StreamEnd) {
    this.live.delete(live)
    if (end === 'slow') this.metrics.closed('slow')
    if (this.live.size > 0) return
    clearInterval(this.sweeper)
    this.sweeper = undefined
  }

  private closeWhere(reason: Reason, fits: (live: LiveStream) => boolean) {
    this.losses += 1
    for (const live of this.live) if (fits(live)) this.close(live, reason)
  }

  private async recheckWhere(fits: (live: LiveStream) => boolean) {
    this.losses += 1
    const uncertain = [...this.live].filter(fits)
    await Promise.all(uncertain.map(live => this.keepIf(live, live.authorise)))
  }

  /** In a few statements, however many streams there are. */
  private async recheckAll() {
    if (this.live.size === 0) return
    const open = [...this.live]
    const ofProjects = open.flatMap(({ user, place: { projectId: id } }) =>
      id ? [{ id, userId: user.id }] : [],
    )
    const [viewers, belonging] = await Promise.all([
      this.access.projectViewers(ofProjects),
      this.access.workspacesOf([...new Set(open.map(({ user }) => user.id))]),
    ])
    const sees = new Set(viewers.map(({ id, userId }) => `${id} ${userId}`))
    for (const live of open) {
      const { user, place } = live
      const isOutside = place.workspaceId && !belonging.get(user.id)?.includes(place.workspaceId)
      const isHidden = place.projectId && !sees.has(`${place.projectId} ${user.id}`)
      if (isOutside || isHidden) this.close(live, 'no-access')
    }
  }

  /** A stream of which nobody knows whether it is allowed is closed as well: it will come again. */
  private async keepIf(live: LiveStream, check: () => Promise<unknown>) {
    try {
      await check()
    } catch (error) {
      const isKnown = error instanceof HttpException
      this.close(live, isKnown ? 'no-access' : 'unsure')
      if (!isKnown) logger.error({ err: error }, 'access to a stream could not be checked')
    }
  }
}

function liveStream(ctx: Context, place: Place, authorise: LiveStream['authorise']): LiveStream {
  const { user, req, res } = ctx
  return {
    id: v7(),
    stream: ctx.sse({ retryMs: RETRY_MS }),
    user,
    place,
    authorise,
    path: req.path,
    address: req.ip ?? '',
    openedAt: Date.now(),
    get backlogBytes() {
      return res.writableLength
    },
  }
}

function tellOfDoubt(error: unknown) {
  logger.warn({ err: error }, 'access to the streams could not be checked; trying again')
}

function isOf({ workspaceId, userId }: { workspaceId: string; userId: string }) {
  return ({ user, place }: LiveStream) => user.id === userId && place.workspaceId === workspaceId
}
