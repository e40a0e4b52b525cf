import { randomUUID } from 'node:crypto'
import { site } from '../data/site.js'
import type { Bench } from '../lab/bench.js'
import type { Workload } from '../lab/workload.js'
import type { Talk } from '../load/talk.js'
import { ChatSide, chatFigures, countIn, databaseName, enter, strangers } from './chat-side.js'

const NAME = 'chat-quiet'
const BUSY = 10
const LISTENERS = 100
/** Each follows so many quiet channels. */
const FOLLOWED = 10

/** Whether channels in which nothing happens cost those in which much does. */
export const quietChannels: Workload = {
  name: NAME,
  title: 'Sends over sockets, flat out, into 10 busy channels beside 2,000 quiet ones',
  note: 'Ten listeners in each busy channel; each quiet one is followed by somebody.',
  figures: chatFigures,
  bars: [],
  open: async bench => {
    const quiet = bench.short ? 50 : 2_000
    const talk = { senders: BUSY, inFlight: 16, ms: bench.short ? 200 : 3_000 }
    return [
      await vibed(bench, 'Vibed', quiet, talk),
      await bare(bench, quiet, talk),
      await vibed(bench, 'Vibed, no quiet channels', 0, talk),
    ]
  },
}

async function vibed(bench: Bench, title: string, quiet: number, talk: Talk): Promise<ChatSide> {
  const { database, channelIds, people } = await site(bench, {
    name: databaseName(NAME, String(quiet)),
    channels: BUSY,
    people: LISTENERS + quiet / FOLLOWED,
    fill: async (client, { workspaceId, owner }) => {
      await client.query(insertQuiet, [workspaceId, owner.id, quiet])
    },
  })
  const quietIds = await database.connected(async client => {
    const { rows } = await client.query<{ id: string }>("select id from channels where name like 'quiet-%'")
    return rows.map(({ id }) => id)
  })
  const server = await bench.server({ database })
  const tokens = people.map(({ token }) => token)
  const load = await enter(bench, crowd(server.origin, tokens, channelIds, quietIds))
  return new ChatSide(title, [server], load, talk, countIn(database))
}

async function bare(bench: Bench, quiet: number, talk: Talk): Promise<ChatSide> {
  const database = await bench.database(databaseName(NAME, 'bare'))
  const server = await bench.baseline('chat-bare', { database })
  const ids = (count: number) => Array.from({ length: count }, () => randomUUID())
  const tokens = strangers(bench, LISTENERS + quiet / FOLLOWED)
  const load = await enter(bench, crowd(server.origin, tokens, ids(BUSY), ids(quiet)))
  return new ChatSide('bare', [server], load, talk, countIn(database))
}

/** First those in the busy channels, one in each channel and then the next in each; then the others. */
function crowd(origin: string, tokens: readonly string[], busy: readonly string[], quiet: readonly string[]) {
  return tokens.map((token, n) => {
    const from = (n - LISTENERS) * FOLLOWED
    const followed = n < LISTENERS ? [busy[n % BUSY] ?? ''] : quiet.slice(from, from + FOLLOWED)
    return { origin, token, channelIds: followed }
  })
}

const insertQuiet = `
  insert into channels (id, workspace_id, name, type, created_by)
  select gen_random_uuid(), $1, 'quiet-' || n, 'public', $2 from generate_series(1, $3::int) n`
