import type { Bench, Start } from '../lab/bench.js'
import type { Server } from '../lab/server.js'
import type { Contender, Workload } from '../lab/workload.js'

/** From the start of the process until it listens, with nothing in the database or with what the last start left. */
export const coldStart: Workload = {
  name: 'cold-start',
  title: 'Start of the process until it listens',
  note: `Empty: the database has to be laid out first. Warm: it has been. "Bare" is stock Socket.IO with two tables. Memory is what the
system has given to the process then.`,
  cold: true,
  figures: [
    { name: 'PGlite, empty', unit: ' ms', better: 'less' },
    { name: 'PGlite, warm', unit: ' ms', better: 'less' },
    { name: 'memory on PGlite', unit: ' MiB', better: 'less' },
    { name: 'Postgres, empty', unit: ' ms', better: 'less' },
    { name: 'Postgres, warm', unit: ' ms', better: 'less' },
    { name: 'memory on Postgres', unit: ' MiB', better: 'less' },
  ],
  bars: [],
  open: async bench => [
    contender(bench, 'Vibed', start => bench.server(start)),
    ...(bench.short ? [] : [contender(bench, 'bare', start => bench.baseline('chat-bare', start))]),
  ],
}

function contender(bench: Bench, name: string, start: (start: Start) => Promise<Server>): Contender {
  let samples = 0
  return {
    name,
    sample: async () => {
      samples += 1
      const folder = bench.newFolder()
      const embedded: Start = { env: { VIBED_DATA_DIR: folder, DATA_DIR: folder } }
      const database = await bench.database(`start_${name.toLowerCase()}_${samples}`)
      const [embeddedEmpty, embeddedWarm] = [await timed(start, embedded), await timed(start, embedded)]
      const [empty, warm] = [await timed(start, { database }), await timed(start, { database })]
      return {
        'PGlite, empty': embeddedEmpty.ms,
        'PGlite, warm': embeddedWarm.ms,
        'memory on PGlite': embeddedWarm.mebibytes,
        'Postgres, empty': empty.ms,
        'Postgres, warm': warm.ms,
        'memory on Postgres': warm.mebibytes,
      }
    },
  }
}

async function timed(start: (start: Start) => Promise<Server>, how: Start) {
  const begun = performance.now()
  const server = await start(how)
  const ms = performance.now() - begun
  const mebibytes = (await server.memory()).resident / 2 ** 20
  await server.stop()
  return { ms, mebibytes }
}
