import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import { id, instant, seq } from '../columns.js'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** The processes that serve this database. One that does not prolong its lease is taken for dead by the others. */
export const nodes = pgTable('nodes', {
  id: id(),
  name: text().notNull(),
  /** Tells nodes apart that would not believe each other's tokens. */
  secretFingerprint: text().notNull(),
  startedAt: instant().notNull().default(sql`now()`),
  leaseUntil: instant().notNull(),
  /** Grows with each change of the node's rows in `node_presence`. */
  presenceVersion: seq().notNull().default(0),
})

/** Who is connected to which node, and by how many sockets. */
export const nodePresence = pgTable(
  'node_presence',
  {
    nodeId: uuid()
      .notNull()
      .references(() => nodes.id, { onDelete: 'cascade' }),
    userId: uuid().notNull(),
    userName: text().notNull(),
  },
  t => [primaryKey({ columns: [t.nodeId, t.userId] })],
)

/** The last turn of each job of the timetable that was carried out, by whichever node. */
export const jobRuns = pgTable('job_runs', {
  job: text().primaryKey(),
  /** The moment of the timetable that the run belongs to. */
  dueAt: instant().notNull(),
  finishedAt: instant().notNull(),
})

/** What has been spent of limits that outlive a process; laid out as `rate-limiter-flexible` wants it. */
export const rateLimits = pgTable(
  'rate_limits',
  {
    key: text().primaryKey(),
    points: integer().notNull().default(0),
    /** Milliseconds since 1970. */
    expire: bigint({ mode: 'number' }),
  },
  t => [index().on(t.expire)],
)

/** What is too large for a NOTIFY; laid out as `@socket.io/postgres-adapter` wants it, which also empties it. */
export const busAttachments = pgTable('bus_attachments', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  createdAt: instant().notNull().default(sql`now()`),
  payload: bytea().notNull(),
})
