import { Container } from '@forinda/kickjs-core'

/** A module of Vibed as built: the bench runs what users run. */
const built = (file: string) => import(new URL(`../../../../dist/${file}`, import.meta.url).href)

/** Opens a database in Vibed's own way, the one that comes along included. */
export async function openDatabase(at: { url: string } | { dataDir: string }) {
  const { Database }: typeof import('../../src/db/database.js') = await built('db/database.js')
  return Database.open(at)
}

/** Sets the counters right after rows were put in past their triggers. */
export async function mendCounters(url: string): Promise<void> {
  const { Database }: typeof import('../../src/db/database.js') = await built('db/database.js')
  const { CountersRepository }: typeof import('../../src/modules/stats/counters.repository.js') = await built(
    'modules/stats/counters.repository.js',
  )
  const database = await Database.open({ url })
  const counters = new Container().registerInstance(Database, database).resolve(CountersRepository)
  try {
    for (const projectId of await counters.projectsAfter(undefined, 1_000)) await counters.mend(projectId)
  } finally {
    await database.close()
  }
}
