import { type AppAdapter, Autowired, type Class, Logger, routesOf, Service } from '@forinda/kickjs-core'
import { invalid, refuse } from '../../../errors.js'
import { Stream } from '../../../http/route-flags.js'
import { hashToken, opaqueToken } from '../tokens.js'
import { StreamTicketsRepository } from './stream-tickets.repository.js'

const API = '/api/v1'
/** How long a ticket that no stream uses can still open one, in milliseconds. */
const VALID_MS = 5 * 60_000
/** How often the tickets of open streams are prolonged, in milliseconds. */
const BEAT_MS = 60_000

const logger = Logger.for('StreamTickets')

/**
 * Tickets that open one stream for one session, again and again, so that an EventSource can
 * reconnect. A ticket ends when nothing has used it for five minutes; an open stream is a use.
 * As an adapter of the application it learns which paths are streams.
 */
@Service()
export class StreamTicketsService implements AppAdapter {
  readonly name = 'StreamTickets'
  @Autowired(StreamTicketsRepository) private tickets!: StreamTicketsRepository
  /** The segments of each stream's route: words and `:parameters`. */
  private readonly streams: string[][] = []
  /** The hashes of the tickets that have streams open here, and how many. */
  private readonly open = new Map<string, number>()
  private beat: NodeJS.Timeout | undefined

  onRouteMount(controller: Class, prefix: string): void {
    for (const { path, handler } of routesOf(controller)) {
      if (Stream.of(controller, handler))
        this.streams.push(`${prefix}/${path}`.toLowerCase().split('/').filter(Boolean))
    }
  }

  afterStart(): void {
    this.beat = setInterval(() => void this.prolongOpen(Date.now()), BEAT_MS).unref()
  }

  shutdown(): void {
    clearInterval(this.beat)
  }

  /** A ticket for one stream. Errors: VALIDATION_ERROR for a path that is no stream's. */
  async issue(sessionId: string, wanted: string, now = Date.now()) {
    if (!/^\/[^?#]+$/.test(wanted)) throw invalid('body.path', 'must be a path without a query')
    const path = streamPath(wanted.startsWith(`${API}/`) ? wanted : `${API}${wanted}`)
    if (!this.streams.some(stream => matches(stream, path))) throw invalid('body.path', 'is not a stream')
    const ticket = opaqueToken()
    const expiresAt = new Date(now + VALID_MS).toISOString()
    await this.tickets.add({ tokenHash: hashToken(ticket), sessionId, path, expiresAt })
    return { ticket, expiresAt }
  }

  /** Uses a ticket on a request's path, and tells which session it stands for. Errors: INVALID_TICKET. */
  async redeem(ticket: string, path: string, now = Date.now()): Promise<string> {
    const hash = hashToken(ticket)
    const sessionId = await this.tickets.sessionOf(hash, streamPath(path), new Date(now).toISOString())
    // A guess costs a look, not a write.
    if (sessionId === undefined) throw refuse('INVALID_TICKET')
    await this.tickets.prolong([hash], new Date(now + VALID_MS).toISOString())
    return sessionId
  }

  /** Keeps a ticket in use until the returned function is called. */
  hold(ticket: string): () => void {
    const hash = hashToken(ticket)
    this.open.set(hash, (this.open.get(hash) ?? 0) + 1)
    return () => {
      const others = (this.open.get(hash) ?? 1) - 1
      if (others === 0) this.open.delete(hash)
      else this.open.set(hash, others)
    }
  }

  /** Prolongs the tickets in use, far enough for five minutes to remain to one whose stream ends before the next beat. */
  async prolongOpen(now: number): Promise<void> {
    if (this.open.size === 0) return
    try {
      await this.tickets.prolong([...this.open.keys()], new Date(now + VALID_MS + BEAT_MS).toISOString())
    } catch (error) {
      logger.error({ err: error }, 'the tickets of open streams could not be prolonged')
    }
  }

  /** Removes tickets whose time is over. For the timetable. */
  removeExpired(now: number): Promise<void> {
    return this.tickets.removeExpired(new Date(now).toISOString())
  }
}

/** One spelling for the paths that Express takes for the same: case and a slash at the end do not matter to it. */
function streamPath(path: string): string {
  return new URL(`http://vibed${path}`).pathname.replace(/\/$/, '').toLowerCase()
}

function matches(route: readonly string[], path: string): boolean {
  const segments = path.split('/').slice(1)
  const fits = (part: string, n: number) => (part.startsWith(':') ? segments[n] !== '' : part === segments[n])
  return route.length === segments.length && route.every(fits)
}
