import { type SQL, sql } from 'drizzle-orm'

/**
 * For the head of a statement that uses any of the others: the time zones that this PostgreSQL knows. A
 * user may have one that it does not know yet, and that must not fail what is done for all.
 */
export const knownZones: SQL = sql`known_zones as materialized (select lower(name) as name from pg_timezone_names)`

/** The time zone of the user who is read. */
export const zoneOfUser: SQL = sql`case when lower(users.time_zone) in (select name from known_zones) then users.time_zone else 'UTC' end`

/** The day that a moment belongs to by the clock of the user who is read. */
export const dayIn = (moment: SQL): SQL => sql`(${moment} at time zone ${zoneOfUser})::date`

/** What the clock of the user who is read shows at a moment. */
export const timeIn = (moment: SQL): SQL => sql`(${moment} at time zone ${zoneOfUser})::time`
