// A node with one job for all nodes, due every two seconds by a clock that is off by SKEW_MS. It notes each
// turn that comes and each run that begins; told by SIGUSR2, no further run comes to its end.
const { SKEW_MS, NODE_NAME } = process.env
const trueNow = Date.now
const now = () => trueNow() + Number(SKEW_MS)
globalThis.Date = new Proxy(Date, {
  construct: (target, time) => Reflect.construct(target, time.length > 0 ? time : [now()]),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
})

let hangs = false
process.on('SIGUSR2', () => {
  hangs = true
})

const { Container, Service } = await import('@forinda/kickjs-core')
const { Cron, CronAdapter } = await import('@forinda/kickjs-cron')
const { CONFIG, loadConfig } = await import('../../dist/config.js')
const { Database } = await import('../../dist/db/database.js')
const { SharedTurns } = await import('../../dist/modules/cron/shared-turns.js')

const config = loadConfig()
const database = await Database.open({ url: config.databaseUrl })
const container = new Container().registerInstance(Database, database).registerInstance(CONFIG, config)
const turns = container.resolve(SharedTurns)

/** @param {string} what @param {Date} dueAt */
const note = (what, dueAt) =>
  database.pool.query('insert into notes values ($1, $2, $3)', [what, NODE_NAME, dueAt.toISOString()])

class Jobs {
  work() {}
}
Service()(Jobs)
Cron('*/2 * * * * *')(Jobs.prototype, 'work')

const adapter = new CronAdapter({
  services: [Jobs],
  around: async (turn, run) => {
    await note('came', turn.dueAt)
    await turns.take(turn, async () => {
      await note('began', turn.dueAt)
      await (hangs ? new Promise(() => {}) : run())
    })
  },
})
adapter.afterStart({ app: undefined, container })
