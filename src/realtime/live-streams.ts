import { Autowired, HttpException, Logger, PostConstruct, Service } from '@forinda/kickjs-core'
import type { EventStream, RequestContext } from '@forinda/kickjs-http'
import { CONFIG, type Config } from '../config.js'
import { refuse } from '../errors.js'
import { Events } from '../events.js'
import type { Principal } from '../http/principal.js'
import { LiveSessions } from '../modules/auth/sessions/live-sessions.js'

/** What a stream shows something of, and with whose end it ends. */
export interface Place {
  workspaceId?: string
  projectId?: string
}

interface LiveStream {
  stream: EventStream
  user: Principal
  place: Place
  authorise(): Promise<Place>
}

/** How many streams one user may have open on this node. */
const MOST_STREAMS = 200
/** How long a browser waits before it opens a broken stream again, in milliseconds. */
const RETRY_MS = 3_000
/** How often streams are looked over for those whose credential has ended, in milliseconds. */
const SWEEP_MS = 500

const logger = Logger.for('LiveStreams')

/** The open streams of this node: each is closed as soon as its user may not hear it any more. */
@Service()
export class LiveStreams {
  @Autowired(Events) private events!: Events
  @Autowired(LiveSessions) private sessions!: LiveSessions
  @Autowired(CONFIG) private config!: Config
  private readonly live = new Set<LiveStream>()
  private sweeper: NodeJS.Timeout | undefined
  /** Grows whenever anybody may have lost access: who opened a stream meanwhile is looked at again. */
  private losses = 0

  @PostConstruct()
  follow(): void {
    const { events } = this
    events.on('session.revoked', ({ sessionId }) =>
      this.closeWhere(({ user }) => user.sessionId === sessionId),
    )
    events.on('workspace.deleted', ({ workspaceId }) =>
      this.closeWhere(({ place }) => place.workspaceId === workspaceId),
    )
    events.on('project.deleted', ({ projectId }) =>
      this.closeWhere(({ place }) => place.projectId === projectId),
    )
    events.on('member.removed', membership => this.closeWhere(isOf(membership)))
    events.on('member.role_changed', membership => this.recheckWhere(isOf(membership)))
    events.on('project.member_removed', membership => this.recheckWhere(isOf(membership)))
  }

  /** How many streams are open. */
  get size(): number {
    return this.live.size
  }

  /**
   * Answers with a stream once `authorise` has let the user in; it tells what the stream belongs to,
   * and is asked again when that may have changed. Errors, before the stream: what `authorise`
   * throws, and RATE_LIMITED for a user who has too many streams open.
   */
  async open(
    ctx: RequestContext<unknown, unknown, unknown>,
    authorise: () => Promise<Place>,
  ): Promise<EventStream> {
    const { user } = ctx
    const before = this.losses
    const place = await authorise()
    this.refuseCrowd(user)
    const live = { stream: ctx.sse({ retryMs: RETRY_MS }), user, place, authorise }
    this.add(live)
    // What happened until here was not told to this stream.
    await this.keepIf(live, async () => {
      await this.sessions.live(user.sessionId)
      if (before !== this.losses) await authorise()
    })
    return live.stream
  }

  /** Closes the streams whose credential has ended by `now`. */
  sweep(now: number): void {
    for (const { stream, user } of this.live) if (user.expiresAt <= now) stream.close()
  }

  private refuseCrowd(user: Principal) {
    const own = [...this.live].filter(live => live.user.id === user.id)
    if (this.config.rateLimits && own.length >= MOST_STREAMS) {
      throw refuse('RATE_LIMITED', { message: 'Close some of your streams first', retryAfterMs: RETRY_MS })
    }
  }

  private add(live: LiveStream) {
    this.live.add(live)
    this.sweeper ??= setInterval(() => this.sweep(Date.now()), SWEEP_MS).unref()
    live.stream.onClose(() => this.remove(live))
  }

  private remove(live: LiveStream) {
    this.live.delete(live)
    if (this.live.size > 0) return
    clearInterval(this.sweeper)
    this.sweeper = undefined
  }

  private closeWhere(fits: (live: LiveStream) => boolean) {
    this.losses += 1
    for (const live of this.live) if (fits(live)) live.stream.close()
  }

  private async recheckWhere(fits: (live: LiveStream) => boolean) {
    this.losses += 1
    const uncertain = [...this.live].filter(fits)
    await Promise.all(uncertain.map(live => this.keepIf(live, live.authorise)))
  }

  /** A stream of which nobody knows whether it is allowed is closed as well: it will come again. */
  private async keepIf({ stream }: LiveStream, check: () => Promise<unknown>) {
    try {
      await check()
    } catch (error) {
      stream.close()
      if (!(error instanceof HttpException))
        logger.error({ err: error }, 'access to a stream could not be checked')
    }
  }
}

function isOf({ workspaceId, userId }: { workspaceId: string; userId: string }) {
  return ({ user, place }: LiveStream) => user.id === userId && place.workspaceId === workspaceId
}
