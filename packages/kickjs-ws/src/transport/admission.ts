import type { IncomingHttpHeaders } from 'node:http'
import { Logger } from '@forinda/kickjs-core'
import type { Namespace, Socket } from 'socket.io'
import { isServerFault, toWsError } from '../session/answer.js'
import { addressOf } from './address.js'

/** A client that wants to connect to a namespace. */
export interface AdmissionRequest {
  address: string
  headers: IncomingHttpHeaders
  /** What the client gives as `auth`, unchecked. */
  auth: unknown
  /** Calls `fn` once the client is gone from the namespace, or is not let in; at once if so already. */
  onClose(fn: () => void): void
}

/** Decides who may connect: a throw refuses. */
export type Admit = (request: AdmissionRequest) => void | Promise<void>

const logger = Logger.for('WsAdapter')

/** Asks `admit` for each socket of the namespace. */
export function admitBy(
  admit: Admit,
  translateError: (error: unknown) => unknown,
  namespace: Namespace,
): void {
  namespace.use(async (socket, next) => {
    const failure = await admitted(admit, socket).catch(error => refusal(translateError(error)))
    next(failure ?? undefined)
  })
}

/** What Socket.IO sends as `connect_error`: its `data` is what an error ack would say. */
export function refusal(error: unknown): Error {
  if (isServerFault(error)) logger.error({ err: error }, 'a connection could not be admitted')
  const data = toWsError(error)
  return Object.assign(new Error(data.message), { data })
}

async function admitted(admit: Admit, socket: Socket): Promise<undefined> {
  const { headers, auth } = socket.handshake
  const { onClose, end } = ending(socket)
  try {
    await admit({ address: addressOf(socket), headers, auth, onClose })
  } catch (error) {
    end()
    throw error
  }
}

/** A socket that was not let in hears nothing of the end of its connection. */
function ending(socket: Socket) {
  const { conn } = socket
  const calls: (() => void)[] = []
  let isOver = conn.readyState === 'closed'
  const end = () => {
    isOver = true
    conn.off('close', end)
    for (const call of calls.splice(0)) call()
  }
  // A client may ask as often at once as it likes.
  conn.setMaxListeners(0).on('close', end)
  socket.on('disconnect', end)
  const onClose = (fn: () => void): void => {
    if (isOver) fn()
    else calls.push(fn)
  }
  return { onClose, end }
}
