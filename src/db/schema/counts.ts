import { date, integer, pgEnum, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { projects } from './work.js'

// Counters, so that no number of the statistics has to be counted. Triggers step them, in the transaction of
// each change and last of all: see docs/architecture.md.

const projectId = () =>
  uuid()
    .notNull()
    .references(() => projects.id, { onDelete: 'cascade' })

/** How many tasks stand in a column. Not tied to the column: a renamed one takes its tasks to a counter of its new key. */
export const statusCounts = pgTable(
  'status_counts',
  { projectId: projectId(), status: text().notNull(), tasks: integer().notNull() },
  t => [primaryKey({ columns: [t.projectId, t.status] })],
)

export const dueSpan = pgEnum('due_span', ['month', 'day'])

/**
 * How many of them are due in a month or on a day (UTC) and not completed. What is overdue grows by itself: so it
 * is the months before this one, the days before today, and today's tasks until now.
 */
export const dueCounts = pgTable(
  'due_counts',
  {
    projectId: projectId(),
    span: dueSpan().notNull(),
    startsOn: date().notNull(),
    status: text().notNull(),
    tasks: integer().notNull(),
  },
  t => [primaryKey({ columns: [t.projectId, t.span, t.startsOn, t.status] })],
)

/** What stands on tasks that stand. */
export const projectCounts = pgTable('project_counts', {
  projectId: projectId().primaryKey(),
  comments: integer().notNull().default(0),
  attachments: integer().notNull().default(0),
})
