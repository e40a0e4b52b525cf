import { historyCursor } from '../data/cursors.js'
import { embeddedSite } from '../data/embedded.js'
import type { Workload } from '../lab/workload.js'
import { cpuFigure, milliseconds, OURS, perSecond, underLoad } from './asking.js'
import { historyPages } from './history.js'
import { posting } from './rest.js'

const post: Workload = {
  name: 'post-message-embedded',
  title: 'POST message with the database that comes along',
  note: 'Bare: Express 5, and PGlite in its own thread, with one statement that numbers and stores each message.',
  figures: [perSecond('messages'), milliseconds('p50'), milliseconds('p99'), cpuFigure],
  bars: [],
  async open(bench) {
    const { folder, owner, channelIds } = await embeddedSite(bench)
    const asked = (prefix = '') => [
      posting(`${prefix}/channels/${channelIds[1]}/messages`, owner.accessToken),
    ]
    const bare = await bench.baseline('post-bare', { env: { DATA_DIR: bench.newFolder() } })
    return underLoad(bench, [
      { name: OURS, server: await embedded(bench, folder), asked: asked('/api/v1') },
      { name: 'bare', server: bare, asked: asked() },
    ])
  },
}

const history: Workload = {
  name: 'history-embedded',
  title: 'A page of 50 of a history of 100,000 messages, with the database that comes along',
  note: 'At the top, and 80,000 messages down. Bare: Express 5, and PGlite in its own thread, with the same page by a prepared statement of drizzle.',
  figures: [perSecond('top'), perSecond('deep'), milliseconds('p99 top'), milliseconds('p99 deep')],
  bars: [{ figure: 'deep', against: OURS, their: 'top', atLeast: 1 / 1.2 }],
  async open(bench) {
    const site = await embeddedSite(bench)
    const { folder, copy, messages, depth } = site
    const start = messages - depth + 1
    const cursor = `&cursor=${historyCursor(start)}`
    const bare = await bench.baseline('history-bare', { env: { DATA_DIR: copy } })
    return underLoad(bench, [
      {
        name: OURS,
        server: await embedded(bench, folder),
        asked: historyPages(site, { prefix: '/api/v1', deep: cursor, messages, start }),
      },
      {
        name: 'bare',
        server: bare,
        asked: historyPages(site, { deep: `&before=${start}`, messages, start }),
      },
    ])
  },
}

function embedded(bench: Parameters<Workload['open']>[0], folder: string) {
  return bench.server({ env: { VIBED_DATA_DIR: folder } })
}

export const embeddedWorkloads: readonly Workload[] = [post, history]
