import { Autowired, Service } from '@forinda/kickjs-core'
import { lt } from 'drizzle-orm'
import { Database } from '../../db/database.js'
import { removeInBatches } from '../../db/remove-expired.js'
import { rateLimits } from '../../db/schema/cluster.js'

/** What has been spent of limits, of which `rate-limiter-flexible` keeps the books. */
@Service()
export class SpentLimitsRepository {
  @Autowired(Database) private db!: Database

  /** Removes what counts no longer at `now`, in milliseconds since 1970. */
  removeExpired(now: number): Promise<void> {
    return removeInBatches(this.db, rateLimits, lt(rateLimits.expire, now))
  }
}
