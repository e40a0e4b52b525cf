import type { Database } from '../db/database.js'
import type { Metrics } from './metrics.js'

/** Shows how busy the connections to the database are. */
export function gaugePool(metrics: Metrics, { pool }: Database): void {
  const help = 'Connections to the database, and the works that wait for one'
  metrics.gauge('database_pool', help, () => pool.totalCount, { state: 'total' })
  metrics.gauge('database_pool', help, () => pool.idleCount, { state: 'idle' })
  metrics.gauge('database_pool', help, () => pool.waitingCount, { state: 'waiting' })
}
