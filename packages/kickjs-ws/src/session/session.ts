import { type Class, Logger } from '@forinda/kickjs-core'
import type { Socket } from 'socket.io'
import { WsContext } from '../context.js'
import type { Call, Handlers, MessageHandler } from '../handlers.js'
import type { WsObserver } from '../observer.js'
import { bytesOf, TOO_LARGE } from '../transport/large-frames.js'
import {
  type Ack,
  invalid,
  isPassing,
  isServerFault,
  payloadTooLarge,
  shuttingDown,
  tooManyWaiting,
  toWsError,
  unknownEvent,
} from './answer.js'
import { EventQueue } from './event-queue.js'

/** Which handler a guard stands before: `methodFlag(…).of(controller, handler)` reads its marks. */
export interface GuardedCall {
  controller: Class
  handler: string
  event: string
}

/** Runs before an event is validated; a throw is the event's answer. */
export type Guard = (ctx: WsContext, call: GuardedCall) => void | Promise<void>

/** What the sessions of one server have in common. */
export interface SessionOptions {
  throttle: ((ctx: WsContext) => void | Promise<void>) | undefined
  guards: readonly Guard[]
  translateError: (error: unknown) => unknown
  observer: WsObserver
  /** What the events of one socket that are not done yet may have in memory. */
  maxBytes: number
  /** Resolves when its client has little enough unread to be sent another answer; nothing when it has. */
  whenLight(socket: Socket): Promise<void> | undefined
  /** Nothing of the socket is left to run. */
  onEnd(socket: Socket): void
}

interface Message {
  ctx: WsContext
  payload: readonly unknown[]
  /** Whether the client wants an ack; a failure reaches him otherwise, too. */
  hasAck: boolean
  /** Only the first answer counts. */
  answer(answer: Ack): void
}

const logger = Logger.for('WsAdapter')

/** One socket, from its connection to the end of its `@OnDisconnect`. Nothing that fails here escapes. */
export class Session {
  private readonly queue: EventQueue
  private closing = false

  constructor(
    private readonly socket: Socket,
    private readonly handlers: Handlers,
    private readonly options: SessionOptions,
  ) {
    this.queue = new EventQueue(options.maxBytes)
    this.enqueue('connect', handlers.connect, socket.handshake.auth)
    // As the middleware that never passes an event on: unlike a listener it sees the array that was parsed.
    socket.use(args => this.receive(args))
  }

  /** Refuses further events and resolves when those received are done. */
  drain(): Promise<void> {
    this.closing = true
    return this.queue.drained()
  }

  /** The socket is disconnected. A tick later, since Socket.IO hands over the events that came in the same frame with a tick. */
  end(reason: string): void {
    process.nextTick(() => void this.finish(reason))
  }

  private async finish(reason: string): Promise<void> {
    for (const call of this.handlers.disconnect) this.enqueue('disconnect', [call], { reason })
    await this.queue.drained()
    this.options.onEnd(this.socket)
  }

  /** The first of the calls that fails is the last. */
  private enqueue(event: string, calls: readonly Call[], data: unknown): void {
    const ctx = new WsContext(this.socket, event, data)
    const run = async () => {
      for (const call of calls) await call(ctx)
    }
    this.queue.add({
      concurrent: false,
      bytes: 0,
      prepare: async () => true,
      run: async () => void (await this.attempt({ ctx, payload: [], hasAck: false, answer: () => {} }, run)),
    })
  }

  private receive(args: readonly unknown[]): void {
    const message = this.read(args)
    if (this.closing) this.refuse(message, shuttingDown())
    else if (this.queue.isFull) this.refuse(message, tooManyWaiting())
    else this.accept(message, bytesOf(args), args[0] === TOO_LARGE)
  }

  private accept(message: Message, bytes: number, isTooLarge: boolean): void {
    const { event } = message.ctx
    const { messages } = this.handlers
    const handler = messages.get(event) ?? (event === '' ? undefined : messages.get('*'))
    this.queue.add({
      concurrent: handler?.concurrent ?? true,
      bytes,
      prepare: async () => {
        await this.options.whenLight(this.socket)
        return this.attempt(message, () => this.admit(message, handler, isTooLarge))
      },
      run: async () => void (await this.attempt(message, () => this.handle(message, handler))),
    })
  }

  /** A frame may hold no event name at all, or a number; an ack function always comes last. */
  private read(args: readonly unknown[]): Message {
    const last = args.at(-1)
    const isAck = (value: unknown): value is (answer: Ack) => void => typeof value === 'function'
    const [event, ...payload] = isAck(last) ? args.slice(0, -1) : args
    const ack = isAck(last) ? last : undefined
    const name = typeof event === 'string' ? event : ''
    const answer = this.answerTo(this.handlers.messages.has(name) ? name : 'unknown', ack)
    const ctx = new WsContext(this.socket, name, payload[0], data => answer({ ok: true, data }))
    return { ctx, payload, hasAck: ack !== undefined, answer }
  }

  /** What answers an event that has come in just now. */
  private answerTo(event: string, ack?: (answer: Ack) => void) {
    const { observer } = this.options
    const since = performance.now()
    let isAnswered = false
    observer.received?.(event)
    return (answer: Ack): void => {
      if (isAnswered) return
      ack?.(answer)
      isAnswered = true
      observer.answered?.(event, answer.ok ? 'ok' : answer.error.code, performance.now() - since)
    }
  }

  private async admit({ ctx, payload }: Message, handler: MessageHandler | undefined, isTooLarge: boolean) {
    await this.options.throttle?.(ctx)
    if (isTooLarge) throw payloadTooLarge()
    if (!handler) throw unknownEvent()
    const { controller, method, schema } = handler
    for (const guard of this.options.guards)
      await guard(ctx, { controller, handler: method, event: ctx.event })
    if (payload.length > 1) throw invalid([{ path: '', message: 'An event has one payload' }])
    if (!schema) return
    if (ctx.data instanceof Uint8Array) throw invalid([{ path: '', message: 'A binary payload' }])
    const parsed = schema.safeParse(ctx.data)
    if (!parsed.success) {
      throw invalid(
        parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
      )
    }
    ctx.data = parsed.data
  }

  private async handle({ ctx, answer }: Message, handler: MessageHandler | undefined) {
    const data = await handler?.call(ctx)
    answer({ ok: true, data: data ?? null })
  }

  /** Whether it succeeded; where not, the client, the log and the `@OnError` handlers have been told. */
  private async attempt(message: Message, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (thrown) {
      const error = this.options.translateError(thrown)
      if (isPassing(error)) logger.warn(this.fields(message, thrown), 'a handler could not do its work now')
      else if (isServerFault(error)) this.log(message, thrown)
      await this.safely(message, () => this.refuse(message, error))
      for (const call of this.handlers.error) await this.safely(message, () => call(message.ctx, error))
      return false
    }
  }

  private async safely(message: Message, work: () => unknown): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.log(message, error)
    }
  }

  private refuse({ ctx, hasAck, answer }: Message, thrown: unknown): void {
    const error = toWsError(thrown)
    if (!hasAck && this.socket.connected) ctx.send('error', { ...error, event: nameOf(ctx) })
    answer({ ok: false, error })
  }

  private log(message: Message, error: unknown): void {
    logger.error(this.fields(message, error), 'a handler failed')
  }

  private fields({ ctx }: Message, error: unknown) {
    return { err: error, namespace: ctx.namespace, event: nameOf(ctx), socketId: ctx.id }
  }
}

/** An event's name as far as a log or an answer needs it: the client may have sent a megabyte. */
function nameOf(ctx: WsContext): string {
  return ctx.event.slice(0, 100)
}
