import { io } from 'socket.io-client'
import type { Random } from '../../lab/random.js'
import type { Attack, Target } from './attacks.js'
import { record, value } from './nonsense.js'

const EVENTS = 30
const ANSWER_MS = 10_000

const names = [
  'auth channel:join channel:leave message:send message:edit message:delete channel:typing',
  'channel:stop_typing channel:read channel:sync project:join project:leave nothing:like:that',
].flatMap(line => line.split(' '))

/** A signed-in client whose events make no sense: each has to be answered all the same. */
export async function conversation({ origin, known }: Target, random: Random): Promise<Attack> {
  const auth = { token: random.pick(known.tokens) }
  const socket = io(`${origin}/chat`, {
    path: '/ws',
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    auth,
  })
  await new Promise<void>(resolve => {
    for (const end of ['welcome', 'error', 'connect_error']) socket.once(end, () => resolve())
  })
  let silent = 0
  for (let n = 0; n < EVENTS && socket.connected; n++) {
    const data = random.chance(0.8) ? record(random, known) : value(random, known)
    try {
      await socket.timeout(ANSWER_MS).emitWithAck(random.pick(names), data)
    } catch {
      // One that was too large may end the connection; nothing else may stay without an answer.
      if (socket.connected) silent += 1
    }
  }
  socket.disconnect()
  return { sent: EVENTS, statuses: [], silent }
}
