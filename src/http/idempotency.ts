import { AsyncLocalStorage } from 'node:async_hooks'
import { createHmac } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Autowired, Logger, PostConstruct, Service } from '@forinda/kickjs-core'
import type { RequestContext, RouteInterceptor } from '@forinda/kickjs-http'
import { v5 } from 'uuid'
import { Database, type Queries } from '../db/database.js'
import { invalid, refuse } from '../errors.js'
import { Secrets } from '../secrets.js'
import { type Answer, giveAnswer, holdAnswer } from './held-answer.js'
import { type Claim, IdempotencyRepository } from './idempotency.repository.js'
import { IdempotencyReplays } from './idempotency-replays.js'
import { SealedAnswers } from './sealed-answers.js'

/** How long a request may take before another with its key may run instead, in milliseconds. */
const CLAIM_MS = 60_000
const KEPT_MS = 24 * 60 * 60_000
const RETRY_MS = 1_000
/** The pauses between looks at a first request under way: about two seconds in all. */
const PAUSES_MS = [25, 50, 100, 200, 400, 600, 600]

interface Running extends Claim {
  settled: boolean
}

const logger = Logger.for('Idempotency')

/**
 * Carries a POST with an `Idempotency-Key` out once, however often it is sent. The key is claimed
 * before the request runs, and the request's own transaction notes that it has run: after a crash it
 * runs again only where it had changed nothing.
 */
@Service()
export class Idempotency {
  @Autowired(Database) private db!: Database
  @Autowired(IdempotencyRepository) private keys!: IdempotencyRepository
  @Autowired(IdempotencyReplays) private replays!: IdempotencyReplays
  @Autowired(SealedAnswers) private sealed!: SealedAnswers
  @Autowired(Secrets) private secrets!: Secrets
  private readonly running = new AsyncLocalStorage<Running>()

  @PostConstruct()
  followWrites(): void {
    this.db.writeHooks.push(tx => this.noteWrite(tx))
  }

  /**
   * Runs around each handler.
   * @throws IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_ANSWER_LOST
   */
  readonly interceptor: RouteInterceptor = async (ctx, _route, next) => {
    const key = keyOf(ctx)
    if (key === undefined) return next()
    const lockedUntil = new Date(Date.now() + CLAIM_MS).toISOString()
    const claim = { owner: ownerOf(ctx), key, requestHash: this.hashOf(ctx), lockedUntil, settled: false }
    const earlier = await this.takeOrAwait(claim, ctx)
    if (earlier) {
      ctx.res.set('Idempotency-Replayed', 'true')
      return giveAnswer(ctx.res, earlier)
    }
    holdAnswer(ctx.res, answer => this.settle(claim, answer))
    await this.running.run(claim, next)
  }

  /**
   * An id for what the current request creates, the same in each run of it: for what is stored in
   * a commit shared with others, which cannot note that this request has run. Undefined without a key.
   */
  stableId(): string | undefined {
    const claim = this.running.getStore()
    return claim && v5(`${claim.owner} ${claim.key} ${claim.requestHash}`, v5.URL)
  }

  /** Removes keys whose time is over. For the timetable. */
  removeExpired(now: number): Promise<void> {
    return this.keys.removeExpired(new Date(now).toISOString())
  }

  /** Takes the key for this request, or finds the answer that it got before; one under way gets a while to end. */
  private async takeOrAwait(claim: Claim, ctx: RequestContext): Promise<Answer | undefined> {
    for (const pause of [...PAUSES_MS, undefined]) {
      if (await this.take(claim)) return undefined
      const sealed = await this.answerOf(claim)
      const answer = sealed && this.open(claim.key + claim.requestHash, sealed)
      if (answer && (await this.replays.allow(ctx, answer))) return answer
      if (sealed) await this.keys.forget(claim, sealed)
      else if (pause !== undefined) await delay(pause)
    }
    throw refuse('IDEMPOTENCY_IN_PROGRESS', { retryAfterMs: RETRY_MS })
  }

  private take({ owner, key, requestHash, lockedUntil }: Claim, now = Date.now()): Promise<boolean> {
    const [time, expires] = [new Date(now).toISOString(), new Date(now + KEPT_MS).toISOString()]
    return this.keys.take({ owner, key, requestHash, lockedUntil }, time, expires)
  }

  /** The sealed answer of the same request before; null or undefined where it has none yet, or let go of the key. */
  private async answerOf({ owner, key, requestHash }: Claim) {
    const first = await this.keys.find(owner, key)
    if (first && first.requestHash !== requestHash) throw refuse('IDEMPOTENCY_KEY_REUSED')
    const isOver = first?.committed && !first.answer && first.lockedUntil <= new Date().toISOString()
    if (isOver) throw refuse('IDEMPOTENCY_ANSWER_LOST')
    return first?.answer
  }

  /** What follows from a request after its answer, such as a notification, is no part of it. */
  private async noteWrite(tx: Queries): Promise<void> {
    const claim = this.running.getStore()
    if (!claim || claim.settled) return
    if (!(await this.keys.commit(tx, claim)))
      throw refuse('IDEMPOTENCY_IN_PROGRESS', { retryAfterMs: RETRY_MS })
  }

  /** A failure that changed nothing, and one of ours, may be tried again; every other answer stands. */
  private async settle(claim: Running, answer: Answer): Promise<void> {
    const { status } = answer
    claim.settled = true
    try {
      const stands = status < 500 && status !== 429
      const kept = stands && (await this.keys.keep(claim, this.seal(claim, answer), status >= 400))
      if (!kept) await this.keys.release(claim, new Date().toISOString())
    } catch (error) {
      logger.error({ err: error }, 'the answer of a request could not be kept')
    }
  }

  /** An answer cannot be read any more once the secret that it was sealed with has been changed. */
  private open(request: string, sealed: string): Answer {
    try {
      return this.sealed.open(request, sealed)
    } catch (cause) {
      throw refuse('IDEMPOTENCY_ANSWER_LOST', { cause })
    }
  }

  /** With a key, so that whoever reads the database cannot try out passwords on it. */
  private hashOf(ctx: RequestContext): string {
    return createHmac('sha256', this.secrets.derive('idempotency request'))
      .update(textOf(ctx))
      .digest('base64url')
  }

  private seal({ key, requestHash }: Claim, answer: Answer) {
    return { status: answer.status, answer: this.sealed.seal(key + requestHash, answer) }
  }
}

function keyOf({ req, headers }: RequestContext): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined || req.method !== 'POST') return undefined
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw invalid('headers.idempotency-key', 'must be 1 to 255 printable ASCII characters')
}

function ownerOf(ctx: RequestContext): string {
  const user = ctx.get<{ id: string }>('user')
  return user ? `user:${user.id}` : `ip:${ctx.req.ip}`
}

/** The request as it was sent; where no body was read, what its headers say of one. */
function textOf({ req }: RequestContext): string {
  const { 'content-type': type = '', 'content-length': length = '' } = req.headers
  const body = req.body === undefined ? [type.split(';')[0], length] : req.body
  return JSON.stringify([req.method, req.originalUrl, body])
}
